// How far a mask must move to lie on a frame: a search on a small pyramid, refined by Gauss-Newton.
#pragma once

#include <cstddef>

#include "core/target.h"
#include "core/view.h"

namespace angio {

template <typename T>
struct EstimateShift {
  View2D<const T> mask;
  View2D<const T> frame;  // of the mask's size, at least kSmallestSide pixels along each axis
  bool log;
  float longest;   // of the shift along each axis, in pixels
  float* scratch;  // shift_scratch floats
};

struct ShiftEstimate {
  float rows;
  float cols;
  float residual;            // root mean square difference that remains
  float residual_unshifted;  // without a shift
};

constexpr int kSmallestSide = 32;
constexpr int kLargestSide = 1 << 16;  // so that the sum of a box fits 32 bits

// The pyramid's first level averages boxes of this many pixels along each axis: at most 384 boxes
// along the longer side, unless that leaves fewer than kSmallestSide along the shorter one.
constexpr int shift_box(int rows, int cols) {
  const int longer = rows > cols ? rows : cols, shorter = rows > cols ? cols : rows;
  int box = 1;
  while (longer / box > 384 && shorter / (2 * box) >= kSmallestSide) box *= 2;
  return box;
}

constexpr std::size_t shift_scratch(int rows, int cols) {
  const std::size_t box = shift_box(rows, cols);
  return 4 * (rows / box) * (cols / box) + 12 * (cols / box) + cols + rows;
}

template <Target, typename T>
ShiftEstimate estimate_shift_on(const EstimateShift<T>& args);

// On the CPU.
template <typename T>
ShiftEstimate estimate_shift(const EstimateShift<T>& args) {
  return dispatch_cpu([&](auto target) { return estimate_shift_on<target()>(args); });
}

}  // namespace angio
