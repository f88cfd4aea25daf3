#include "emulation/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "emulation/cuda_runtime.h"

namespace angio::emulation {
namespace {

struct Pages {
  char* start;
  std::size_t bytes;  // that can be opened; one closed page follows
};

std::recursive_mutex mutex;
std::map<std::uintptr_t, Pages> allocations;  // by the address the program knows
int opened = 0;
std::atomic<cudaError_t> last_error{cudaSuccess};

std::size_t page() { return std::size_t(sysconf(_SC_PAGESIZE)); }

void protect(int how) {
  for (const auto& [address, pages] : allocations) mprotect(pages.start, pages.bytes, how);
}

bool on_device(std::uintptr_t address) {
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) return false;
  const Pages& pages = (--after)->second;
  return address <= reinterpret_cast<std::uintptr_t>(pages.start) + pages.bytes;
}

// Two small numbers side by side are no address.
bool on_host(std::uintptr_t address) {
  if (address < (std::uintptr_t(1) << 32) || address >> 47 != 0) return false;
  if ((address & 0xffffffffu) < 1 << 20) return false;
  unsigned char resident;
  return mincore(reinterpret_cast<void*>(address / page() * page()), page(), &resident) == 0;
}

cudaError_t out_of_memory() {
  last_error = cudaErrorMemoryAllocation;
  return cudaErrorMemoryAllocation;
}

}  // namespace

OpenMemory::OpenMemory() {
  mutex.lock();
  if (opened++ == 0) protect(PROT_READ | PROT_WRITE);
}

OpenMemory::~OpenMemory() {
  if (--opened == 0) protect(PROT_NONE);
  mutex.unlock();
}

void check_words(const void* argument, std::size_t bytes) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const char* at = static_cast<const char*>(argument);
  for (std::size_t i = 0; i + sizeof(std::uintptr_t) <= bytes; i += sizeof(std::uintptr_t)) {
    std::uintptr_t word;
    std::memcpy(&word, at + i, sizeof word);
    if (!on_device(word) && on_host(word)) fail("a kernel was given a pointer to host memory");
  }
}

}  // namespace angio::emulation

using namespace angio::emulation;

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const std::size_t open = (bytes + page() - 1) / page() * page();
  void* start = mmap(nullptr, open + page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return out_of_memory();
  char* const first = static_cast<char*>(start);
  char* const given = first + (open - bytes) / 16 * 16;  // so that its end is the closed page
  mprotect(first, open, PROT_READ | PROT_WRITE);
  std::memset(first, 0xcd, open);
  if (opened == 0) mprotect(first, open, PROT_NONE);
  allocations[reinterpret_cast<std::uintptr_t>(given)] = {first, open};
  *memory = given;
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  const auto found = allocations.find(reinterpret_cast<std::uintptr_t>(memory));
  if (memory == nullptr) return cudaSuccess;
  if (found == allocations.end()) fail("memory was freed that is not device memory");
  munmap(found->second.start, found->second.bytes + page());
  allocations.erase(found);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  *memory = std::malloc(bytes);
  return *memory ? cudaSuccess : out_of_memory();
}

cudaError_t cudaFreeHost(void* memory) {
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t) {
  const OpenMemory open;
  const bool to_device = on_device(reinterpret_cast<std::uintptr_t>(to));
  const bool from_device = on_device(reinterpret_cast<std::uintptr_t>(from));
  if (bytes > 0 && (to_device != (kind != cudaMemcpyDeviceToHost) ||
                    from_device != (kind != cudaMemcpyHostToDevice)))
    fail("a copy goes another way than it says");
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t) {
  const OpenMemory open;
  if (bytes > 0 && !on_device(reinterpret_cast<std::uintptr_t>(memory)))
    fail("memory was set that is not device memory");
  std::memset(memory, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {"emulation", 0, 0};
  return cudaSuccess;
}

cudaError_t cudaGetLastError() { return last_error.exchange(cudaSuccess); }
const char* cudaGetErrorString(cudaError_t) { return "out of memory"; }

// A handle that nobody else has; what is queued has run when the call returns.
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new char;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete static_cast<char*>(stream);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return cudaEventCreate(event);
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new std::chrono::steady_clock::time_point();
  return cudaSuccess;
}

static std::chrono::steady_clock::time_point* time_of(cudaEvent_t event) {
  return static_cast<std::chrono::steady_clock::time_point*>(event);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  *time_of(event) = std::chrono::steady_clock::now();
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
  *ms = std::chrono::duration<float, std::milli>(*time_of(end) - *time_of(begin)).count();
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete time_of(event);
  return cudaSuccess;
}
