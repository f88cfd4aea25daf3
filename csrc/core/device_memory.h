// Memory of the CUDA device and what moves it; defined where the build has CUDA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/target.h"

namespace angio {

void* allocate_on_device(std::size_t bytes);
void free_on_device(void* memory) noexcept;
void* allocate_pinned(std::size_t bytes);
void free_pinned(void* memory) noexcept;
void copy_to_device(void* to, const void* from, std::size_t bytes, Stream stream);
void copy_to_host(void* to, const void* from, std::size_t bytes, Stream stream);
void copy_on_device(void* to, const void* from, std::size_t bytes, Stream stream);
void clear_on_device(void* memory, std::size_t bytes, Stream stream);
// Waits for the stream, and throws what failed in it.
void synchronise(Stream stream);
// What is put into `later` from now on waits for what is in `earlier` now.
void order(Stream earlier, Stream later);
// A stream of its own, which work of others on the default stream does not hold up.
Stream new_stream();
void free_stream(Stream stream) noexcept;

// What the functions above did since the module was loaded, in all threads.
struct Traffic {
  std::uint64_t to_device, to_host, on_device;  // copies
  std::uint64_t waits;                          // of the host for the device
  std::uint64_t allocations;                    // of device and pinned memory
};
Traffic traffic();

// The current device and its compute capability, or why there is none; never throws.
struct DeviceAnswer {
  bool usable;
  std::string text;
};
DeviceAnswer describe_device();

// Measures on the device's own timeline.
class DeviceClock {
 public:
  DeviceClock();
  ~DeviceClock();
  DeviceClock(const DeviceClock&) = delete;
  DeviceClock& operator=(const DeviceClock&) = delete;

  void start(Stream stream);
  // Waits for the stream; milliseconds from start to now in it.
  float stop(Stream stream);

 private:
  void* begin_ = nullptr;
  void* end_ = nullptr;
};

// Scratch that grows and is never initialised; what it held before is lost when it grows. In a
// build without CUDA it stays empty.
template <typename T, void* (*allocate)(std::size_t), void (*release)(void*) noexcept>
class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    if constexpr (kHasCuda) release(data_);
  }

  T* reserve(std::size_t count) {
    if constexpr (kHasCuda) {
      if (count > capacity_) {
        release(data_);
        data_ = nullptr;
        capacity_ = 0;
        data_ = static_cast<T*>(allocate(count * sizeof(T)));
        capacity_ = count;
      }
    }
    return data_;
  }

  T* data() const { return data_; }
  std::size_t capacity() const { return capacity_; }

 private:
  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

template <typename T>
using DeviceMemory = Memory<T, allocate_on_device, free_on_device>;
template <typename T>
using PinnedMemory = Memory<T, allocate_pinned, free_pinned>;

// Pinned memory on the way to the device: what is sent leaves without the host waiting for it.
class Staging {
 public:
  Staging() = default;
  ~Staging() {
    if constexpr (kHasCuda) finish();
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Memory to fill; waits only where what was sent last has not left yet.
  char* open(std::size_t bytes);
  // Queues the copy of what `open` gave.
  void send(void* to, std::size_t bytes, Stream stream);

 private:
  void finish() noexcept;

  PinnedMemory<char> memory_;
  void* sent_ = nullptr;
};

}  // namespace angio
