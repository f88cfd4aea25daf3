// The standard deviation of a frame's noise, from what a Laplacian leaves of its anatomy.
#pragma once

#include <cstdint>

#include "core/target.h"
#include "core/view.h"

namespace angio {

// The sum of |Laplacian| over all pixels but the border, where the Laplacian is
//    1 -2  1
//   -2  4 -2
//    1 -2  1
// (J. Immerkaer, Fast noise variance estimation, CVIU 64, 1996).
template <Target, typename T>
std::int64_t laplacian_sum_on(const View2D<const T>& pixels);

// On the CPU.
template <typename T>
std::int64_t laplacian_sum(const View2D<const T>& pixels) {
  return dispatch_cpu([&](auto target) { return laplacian_sum_on<target()>(pixels); });
}

// Standard deviation of white Gaussian noise in stored values, of a frame with inner pixels.
template <typename T>
double noise_level(const View2D<const T>& pixels, std::int64_t laplacian_sum) {
  constexpr double kRootOfHalfPi = 1.2533141373155003;  // of a Gaussian: deviation / mean |x|
  const double inner = static_cast<double>(pixels.rows - 2) * (pixels.cols - 2);
  return kRootOfHalfPi / 6.0 * static_cast<double>(laplacian_sum) / inner;
}

}  // namespace angio
