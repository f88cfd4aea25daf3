// A CUDA status becomes an exception that says what was being done.
#pragma once

#include "core/device.h"

#if defined(__CUDACC__) || defined(CUDART_VERSION)
#include <stdexcept>
#include <string>

namespace angio {

inline void check_cuda(cudaError_t status, const char* doing) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // or the next launch would report it again
  throw std::runtime_error(std::string(doing) + " failed: " + cudaGetErrorString(status));
}

}  // namespace angio
#endif
