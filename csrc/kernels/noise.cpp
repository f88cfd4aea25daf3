#include "kernels/noise.h"

namespace angio {
namespace {

constexpr int kChunk = 1024;  // times 8 * 65535, the largest |Laplacian|, fits 32 bits

template <typename T>
int row_sum(const T* __restrict up, const T* __restrict mid, const T* __restrict down, int count) {
  int sum = 0;
  for (int x = 0; x < count; ++x) {
    const int left = up[x] - 2 * mid[x] + down[x];
    const int centre = up[x + 1] - 2 * mid[x + 1] + down[x + 1];
    const int right = up[x + 2] - 2 * mid[x + 2] + down[x + 2];
    const int laplacian = left - 2 * centre + right;
    sum += laplacian < 0 ? -laplacian : laplacian;
  }
  return sum;
}

}  // namespace

template <Target, typename T>
std::int64_t laplacian_sum_on(const View2D<const T>& pixels) {
  std::int64_t sum = 0;
  for (int y = 1; y < pixels.rows - 1; ++y)
    for (int x = 0; x < pixels.cols - 2; x += kChunk) {
      const int left = pixels.cols - 2 - x;
      sum += row_sum(pixels.row(y - 1) + x, pixels.row(y) + x, pixels.row(y + 1) + x,
                     left < kChunk ? left : kChunk);
    }
  return sum;
}

template std::int64_t laplacian_sum_on<kTarget>(const View2D<const std::uint8_t>&);
template std::int64_t laplacian_sum_on<kTarget>(const View2D<const std::uint16_t>&);

}  // namespace angio
