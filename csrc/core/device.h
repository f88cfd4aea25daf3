// Where memory lives, and what host-device code is marked with.
#pragma once

#ifdef __CUDACC__
#include <cuda_runtime.h>
#define ANGIO_HD __host__ __device__
#else
#define ANGIO_HD
#endif

namespace angio {

enum class Device { cpu, cuda };

// An opaque cudaStream_t, so that CPU builds need no CUDA header; ignored on the CPU.
using Stream = void*;

}  // namespace angio
