#include <atomic>

#include "core/device_memory.h"
#include "core/status.h"

namespace angio {
namespace {

struct Counters {
  std::atomic<std::uint64_t> to_device, to_host, on_device, waits, allocations;
};
Counters counters{};

std::atomic<std::uint64_t>& copies(cudaMemcpyKind kind) {
  if (kind == cudaMemcpyHostToDevice) return counters.to_device;
  return kind == cudaMemcpyDeviceToHost ? counters.to_host : counters.on_device;
}

cudaStream_t cuda(Stream stream) { return static_cast<cudaStream_t>(stream); }

void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, Stream stream) {
  if (bytes == 0) return;
  ++copies(kind);
  check_cuda(cudaMemcpyAsync(to, from, bytes, kind, cuda(stream)), "copying");
}

cudaEvent_t event_of(void* event) { return static_cast<cudaEvent_t>(event); }

cudaEvent_t new_event() {
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreate(&event), "creating an event");
  return event;
}

}  // namespace

DeviceClock::DeviceClock() : begin_(new_event()), end_(new_event()) {}

DeviceClock::~DeviceClock() {
  static_cast<void>(cudaEventDestroy(event_of(begin_)));
  static_cast<void>(cudaEventDestroy(event_of(end_)));
}

void DeviceClock::start(Stream stream) {
  check_cuda(cudaEventRecord(event_of(begin_), cuda(stream)), "recording an event");
}

float DeviceClock::stop(Stream stream) {
  float ms = 0.0f;
  check_cuda(cudaEventRecord(event_of(end_), cuda(stream)), "recording an event");
  check_cuda(cudaEventSynchronize(event_of(end_)), "waiting for an event");
  check_cuda(cudaEventElapsedTime(&ms, event_of(begin_), event_of(end_)), "reading a clock");
  return ms;
}

void* allocate_on_device(std::size_t bytes) {
  void* memory = nullptr;
  ++counters.allocations;
  check_cuda(cudaMalloc(&memory, bytes > 0 ? bytes : 1), "allocating device memory");
  return memory;
}

void free_on_device(void* memory) noexcept { static_cast<void>(cudaFree(memory)); }

void* allocate_pinned(std::size_t bytes) {
  void* memory = nullptr;
  ++counters.allocations;
  check_cuda(cudaMallocHost(&memory, bytes > 0 ? bytes : 1), "allocating pinned memory");
  return memory;
}

void free_pinned(void* memory) noexcept { static_cast<void>(cudaFreeHost(memory)); }

void copy_to_device(void* to, const void* from, std::size_t bytes, Stream stream) {
  copy(to, from, bytes, cudaMemcpyHostToDevice, stream);
}

void copy_to_host(void* to, const void* from, std::size_t bytes, Stream stream) {
  copy(to, from, bytes, cudaMemcpyDeviceToHost, stream);
}

void copy_on_device(void* to, const void* from, std::size_t bytes, Stream stream) {
  copy(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}

void clear_on_device(void* memory, std::size_t bytes, Stream stream) {
  if (bytes == 0) return;
  check_cuda(cudaMemsetAsync(memory, 0, bytes, cuda(stream)), "clearing device memory");
}

void synchronise(Stream stream) {
  ++counters.waits;
  check_cuda(cudaStreamSynchronize(cuda(stream)), "waiting for the device");
}

void order(Stream earlier, Stream later) {
  if (earlier == later) return;
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "creating an event");
  const cudaError_t recorded = cudaEventRecord(event, cuda(earlier));
  const cudaError_t waits =
      recorded == cudaSuccess ? cudaStreamWaitEvent(cuda(later), event, 0) : recorded;
  static_cast<void>(cudaEventDestroy(event));  // the device frees it once it has passed
  check_cuda(waits, "ordering two streams");
}

Stream new_stream() {
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a stream");
  return stream;
}

void free_stream(Stream stream) noexcept { static_cast<void>(cudaStreamDestroy(cuda(stream))); }

Traffic traffic() {
  return {counters.to_device, counters.to_host, counters.on_device, counters.waits,
          counters.allocations};
}

void Staging::finish() noexcept {
  if (sent_ == nullptr) return;
  static_cast<void>(cudaEventSynchronize(event_of(sent_)));  // or the copy would read freed memory
  static_cast<void>(cudaEventDestroy(event_of(sent_)));
}

char* Staging::open(std::size_t bytes) {
  if (sent_ != nullptr && cudaEventQuery(event_of(sent_)) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());  // "not ready" is an answer, not an error
    ++counters.waits;
    check_cuda(cudaEventSynchronize(event_of(sent_)), "waiting for an upload");
  }
  return memory_.reserve(bytes);
}

void Staging::send(void* to, std::size_t bytes, Stream stream) {
  if (sent_ == nullptr) {
    cudaEvent_t event = nullptr;
    check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "creating an event");
    sent_ = event;
  }
  copy_to_device(to, memory_.data(), bytes, stream);
  check_cuda(cudaEventRecord(event_of(sent_), cuda(stream)), "recording an event");
}

DeviceAnswer describe_device() {
  int count = 0, device = 0;
  cudaDeviceProp properties{};
  cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count == 0) return {false, "there is no CUDA device"};
  if (status == cudaSuccess) status = cudaGetDevice(&device);
  if (status == cudaSuccess) status = cudaGetDeviceProperties(&properties, device);
  if (status != cudaSuccess) {
    static_cast<void>(cudaGetLastError());  // or the next launch would report it
    return {false, cudaGetErrorString(status)};
  }
  return {true, std::string(properties.name) + ", compute capability " +
                    std::to_string(properties.major) + "." + std::to_string(properties.minor)};
}

}  // namespace angio
