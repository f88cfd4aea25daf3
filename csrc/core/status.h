// A CUDA status becomes an exception that says what was being done.
#pragma once

#include "core/device.h"

#ifdef __CUDACC__
#include <stdexcept>
#include <string>

namespace angio {

inline void check_cuda(cudaError_t status, const char* doing) {
  if (status != cudaSuccess)
    throw std::runtime_error(std::string(doing) + " failed: " + cudaGetErrorString(status));
}

}  // namespace angio
#endif
