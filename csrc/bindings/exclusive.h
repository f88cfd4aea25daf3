// Memory that calls use again, one call at a time.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>

namespace angio {

namespace py = pybind11;

// What such memory derives from. The GIL does not see to it that calls follow each other: kernels
// release it.
struct Exclusive {
  std::atomic_flag busy = ATOMIC_FLAG_INIT;
};

// Has such memory for itself for the time of a call.
class Holding {
 public:
  explicit Holding(Exclusive& memory) : memory_(memory) {
    if (memory_.busy.test_and_set(std::memory_order_acquire))
      throw py::value_error(
          "workspace must be idle, got one that another thread is using; give each thread its own");
  }
  ~Holding() { memory_.busy.clear(std::memory_order_release); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

 private:
  Exclusive& memory_;
};

}  // namespace angio
