// How a CUDA kernel is launched, and what its blocks share; the emulation stands in for both.
#pragma once

#ifdef __CUDACC__
#include <cstddef>
#include <cstdint>

#include "core/status.h"

// Shared memory of a block, one struct per kernel.
#ifdef ANGIO_EMULATE_CUDA
#define ANGIO_SHARED(Type, name) \
  Type& name = *static_cast<Type*>(::angio::emulation::shared_memory(sizeof(Type)))
#else
#define ANGIO_SHARED(Type, name) __shared__ Type name
#endif

namespace angio {

struct Grid {
  dim3 blocks;
  dim3 threads;
};

constexpr unsigned kBlock = 256;

// One thread each for `count` things; a grid without a block cannot be launched.
inline Grid grid_for(std::size_t count, unsigned threads = kBlock) {
  const std::size_t blocks = (count + threads - 1) / threads;
  return {dim3(unsigned(blocks > 0 ? blocks : 1)), dim3(threads)};
}

template <typename... Parameters, typename... Arguments>
void launch(Stream stream, const Grid& grid, void (*kernel)(Parameters...),
            const Arguments&... arguments) {
#ifdef ANGIO_EMULATE_CUDA
  static_cast<void>(stream);
  (emulation::check_argument(arguments), ...);
  emulation::run(grid.blocks, grid.threads, [&] { kernel(arguments...); });
#else
  // clang-format off
  kernel<<<grid.blocks, grid.threads, 0, static_cast<cudaStream_t>(stream)>>>(arguments...);
  // clang-format on
#endif
  check_cuda(cudaGetLastError(), "launching a kernel");
}

static inline __device__ std::size_t thread_index() {
  return std::size_t(blockIdx.x) * blockDim.x + threadIdx.x;
}

static inline __device__ std::size_t thread_count() { return std::size_t(gridDim.x) * blockDim.x; }

// What other threads write while this one reads.
template <typename T>
static inline __device__ T load(const T* at) {
#ifdef ANGIO_EMULATE_CUDA
  emulation::yield();
#endif
  return *static_cast<const volatile T*>(at);
}

static inline __device__ void atomic_add(std::int64_t* at, std::int64_t value) {
  atomicAdd(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
}

}  // namespace angio
#endif
