// What every step of `estimate_shift` solves, the same on every device. Included by shift.cpp and
// shift.cu only, once per target.
#pragma once

#include <cmath>
#include <cstddef>

#include "core/device.h"

namespace angio {
namespace {

constexpr int kLevels = 3;
constexpr int kSums = 10;
constexpr float kShadow = 0.125f;  // of the mean: what is darker lies behind the shutter

struct Plane {
  float* data;
  int rows;
  int cols;

  ANGIO_HD float* row(int y) const { return data + static_cast<std::ptrdiff_t>(y) * cols; }
};

struct Shift {
  float rows;
  float cols;
};

// Normal equations of moved mask + gradient * step + offset = frame.
struct Equations {
  double m[3][4];
  double squares;  // weighted mean of the squared difference, its mean removed
  double mean;

  explicit ANGIO_HD Equations(const double* s) {
    const int of[3][4] = {{0, 1, 2, 6}, {1, 3, 4, 7}, {2, 4, 5, 8}};
    for (int row = 0; row < 3; ++row)
      for (int col = 0; col < 4; ++col) m[row][col] = col < 3 ? s[of[row][col]] : -s[of[row][col]];
    mean = s[5] > 0.0 ? s[8] / s[5] : 0.0;
    squares = s[5] > 0.0 ? s[9] / s[5] - mean * mean : 0.0;
  }

  // The offset is eliminated, then two equations remain. Where only one direction has texture, the
  // step goes that way; without any there is none.
  ANGIO_HD Shift solve() const {
    const double n = m[2][2];
    if (n <= 0.0) return {0.0f, 0.0f};
    const double a = m[0][0] - m[0][2] * m[0][2] / n, b = m[0][1] - m[0][2] * m[1][2] / n;
    const double c = m[1][1] - m[1][2] * m[1][2] / n;
    const double p = m[0][3] - m[0][2] * m[2][3] / n, q = m[1][3] - m[1][2] * m[2][3] / n;
    const double determinant = a * c - b * b;
    const double most = 0.5 * (a + c + sqrt((a - c) * (a - c) + 4.0 * b * b));  // the eigenvalue
    if (determinant > 1e-6 * most * most)
      return {static_cast<float>((p * c - q * b) / determinant),
              static_cast<float>((q * a - p * b) / determinant)};
    const double rows = a > c ? most - c : b, cols = a > c ? b : most - a;  // its direction
    const double along = most * (rows * rows + cols * cols);
    if (!(along > 0.0)) return {0.0f, 0.0f};
    const double step = (p * rows + q * cols) / along;
    return {static_cast<float>(step * rows), static_cast<float>(step * cols)};
  }
};

// Where a robust weight halves: the squared difference that contrast agent exceeds, noise not.
struct Robust {
  float mean;
  float squares;
};

// Where images match to the last bit, what remains tells nothing about noise: the scale is at least
// 1/64 of the difference without a shift, whose variance the search found.
static inline ANGIO_HD Robust robust_of(const Equations& found, double unshifted) {
  const double least = unshifted / 4096.0, half = found.squares * 0.5;
  const float squares = static_cast<float>(half > least ? half : least);
  return {static_cast<float>(found.mean), (squares > 0.0f ? squares : 0.0f) + 1e-12f};
}

// Welch's window: 1 in the middle, 0 at the margin, where the shutter's edge may lie.
static inline ANGIO_HD float window(int i, int margin, int extent) {
  const float half = 0.5f * static_cast<float>(extent - 2 * margin + 1);
  const float t = (static_cast<float>(i - margin) + 1.0f) / half - 1.0f;
  return 1.0f - t * t;
}

static inline ANGIO_HD int margin_of(const Plane& plane, const Shift& shift) {
  const float r = fabsf(shift.rows), c = fabsf(shift.cols);
  const int side = plane.rows < plane.cols ? plane.rows : plane.cols;
  const int reach = static_cast<int>(r > c ? r : c) + 3;
  return reach > side / 16 ? reach : side / 16;
}

static inline ANGIO_HD float bounded(float x, float limit) {
  return x < -limit ? -limit : (x > limit ? limit : x);
}

// The longest shift along each axis, a quarter of the shorter side: then pixels are left to
// compare.
static inline float longest_of(const Plane& frame, float wished) {
  const float limit = 0.25f * static_cast<float>(frame.rows < frame.cols ? frame.rows : frame.cols);
  return wished < limit ? wished : limit;
}

// How many whole pixels are searched each way.
static inline int search_radius(const Plane& frame, float longest) {
  return static_cast<int>(longest_of(frame, longest + 1.0f));
}

// Whether a shift is the better one: of equal variances the shorter wins, then the first.
static inline ANGIO_HD bool is_better(double variance, const Shift& shift, double best,
                                      const Shift& than) {
  if (variance != best) return variance < best;
  return shift.rows * shift.rows + shift.cols * shift.cols <
         than.rows * than.rows + than.cols * than.cols;
}

// How often the shift is refined on a level; the finest is the dearest.
static inline ANGIO_HD int steps_on(int level) { return level == 0 ? 3 : 10; }

// The level whose residuals are the answer: the second, on a quarter of the pixels, where there is
// one.
static inline ANGIO_HD int residual_level(int count) { return count > 1 ? 1 : 0; }

}  // namespace
}  // namespace angio
