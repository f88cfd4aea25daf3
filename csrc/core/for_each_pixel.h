// Runs a pointwise or stencil functor over an image, on the target this file is compiled for.
//
// The functor is trivially copyable; `functor.row(y)` hoists the row pointers and returns something
// callable with x, so that the inner loop is straight-line code both compilers vectorise.
#pragma once

#include "core/launch.h"
#include "core/target.h"

namespace angio {

#ifdef __CUDACC__
template <typename F>
__global__ void for_each_pixel_kernel(int rows, int cols, F functor) {
  const int x = int(blockIdx.x * blockDim.x + threadIdx.x);
  const unsigned step = gridDim.y * blockDim.y;
  for (unsigned y = blockIdx.y * blockDim.y + threadIdx.y; y < unsigned(rows); y += step)
    if (x < cols) functor.row(int(y))(x);
}

template <typename F>
void for_each_pixel(Stream stream, int rows, int cols, F functor) {
  if (rows <= 0 || cols <= 0) return;
  // A grid has few blocks along y: tall images are taken in steps by each block.
  const unsigned across = (unsigned(cols) + 31) / 32, down = (unsigned(rows) + 7) / 8;
  const Grid grid{dim3(across, down < 65535 ? down : 65535), dim3(32, 8)};
  launch(stream, grid, for_each_pixel_kernel<F>, rows, cols, functor);
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
