// Runs a pointwise or stencil functor over an image, on the target this file is compiled for.
//
// The functor is trivially copyable; `functor.row(y)` hoists the row pointers and returns something
// callable with x, so that the inner loop is straight-line code both compilers vectorise.
#pragma once

#include "core/status.h"
#include "core/target.h"

namespace angio {

#ifdef __CUDACC__
template <typename F>
__global__ void for_each_pixel_kernel(int rows, int cols, F functor) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x;
  const int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x < cols && y < rows) functor.row(y)(x);
}

template <typename F>
void for_each_pixel(Stream stream, int rows, int cols, F functor) {
  if (rows <= 0 || cols <= 0) return;
  const dim3 block(32, 8);
  const dim3 grid((cols + block.x - 1) / block.x, (rows + block.y - 1) / block.y);
  for_each_pixel_kernel<<<grid, block, 0, static_cast<cudaStream_t>(stream)>>>(rows, cols, functor);
  check_cuda(cudaGetLastError(), "launching a kernel");
}
#else
// A functor that stays a call is not vectorised: everything in it is inlined, whatever its size.
template <typename F>
__attribute__((flatten)) void for_each_pixel(Stream, int rows, int cols, F functor) {
  for (int y = 0; y < rows; ++y) {
    const auto row = functor.row(y);
#pragma GCC ivdep
    for (int x = 0; x < cols; ++x) row(x);
  }
}
#endif

}  // namespace angio
