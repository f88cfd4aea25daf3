#include "kernels/shift.h"

#include <cmath>
#include <cstring>

#include "kernels/shift_pyramid.h"

namespace angio {
namespace {

struct Level {
  Plane mask;
  Plane frame;
};

// Variance of the difference, where the mask is moved by whole pixels. Sums run down the columns,
// so that they vectorise and are the same on every instruction set.
double variance(const Level& level, int rows, int cols, int margin, float* sums) {
  const int width = level.frame.cols;
  float* __restrict ones = sums, * __restrict squares = sums + width;
  memset(sums, 0, sizeof(float) * 2 * width);
  for (int y = margin; y < level.frame.rows - margin; ++y) {
    const float* frame = level.frame.row(y);
    const float* mask = level.mask.row(y - rows) - cols;
#pragma GCC ivdep
    for (int x = margin; x < width - margin; ++x) {
      const float d = mask[x] - frame[x];
      ones[x] += d;
      squares[x] += d * d;
    }
  }
  const double count = static_cast<double>(level.frame.rows - 2 * margin) * (width - 2 * margin);
  const double mean = total(ones, margin, width - margin) / count;
  return total(squares, margin, width - margin) / count - mean * mean;
}

struct Found {
  Shift shift;
  double unshifted;  // variance
};

Found search(const Level& level, float longest, float* sums) {
  const int radius = search_radius(level.frame, longest);
  const double unshifted = variance(level, 0, 0, radius, sums);
  double best = unshifted;
  Shift shift{0.0f, 0.0f};
  for (int rows = -radius; rows <= radius; ++rows)
    for (int cols = -radius; cols <= radius; ++cols) {
      const Shift tried{static_cast<float>(rows), static_cast<float>(cols)};
      const double found = variance(level, rows, cols, radius, sums);
      if (!is_better(found, tried, best, shift)) continue;
      best = found;
      shift = tried;
    }
  return {shift, unshifted};
}

// The mask moved by a sub-pixel shift; rows and columns within `margin` of the edge are left out.
void move(const Plane& mask, const Shift& shift, int margin, const Plane& out) {
  const int down = static_cast<int>(floorf(-shift.rows));
  const int right = static_cast<int>(floorf(-shift.cols));
  const float v = -shift.rows - static_cast<float>(down);
  const float h = -shift.cols - static_cast<float>(right);
  for (int y = margin; y < mask.rows - margin; ++y) {
    const float* a = mask.row(y + down) + right;
    const float* b = mask.row(y + down + 1) + right;
    float* __restrict row = out.row(y);
#pragma GCC ivdep
    for (int x = margin; x < mask.cols - margin; ++x)
      row[x] =
          (a[x] * (1.0f - v) + b[x] * v) * (1.0f - h) + (a[x + 1] * (1.0f - v) + b[x + 1] * v) * h;
  }
}

// What the ten sums of every column are made of.
struct Terms {
  Plane moved;
  Plane frame;
  Robust robust;
  int margin;
  float* across;  // the window along a row
  float* sums;
};

void add_row(const Terms& terms, int y, float along) {
  const Plane& moved = terms.moved;
  const Robust robust = terms.robust;
  const int width = moved.cols, margin = terms.margin;
  const float* __restrict frame = terms.frame.row(y), * __restrict across = terms.across;
  float* __restrict sums = terms.sums;
  const float *up = moved.row(y - 1), *mid = moved.row(y), *down = moved.row(y + 1);
#pragma GCC ivdep
  for (int x = margin; x < width - margin; ++x) {
    const float r = (up[x] - down[x]) * 0.5f;  // how the difference grows with the shift
    const float c = (mid[x - 1] - mid[x + 1]) * 0.5f;
    const float e = mid[x] - frame[x];
    const float t = e - robust.mean;
    const float w = along * across[x] * (robust.squares / (robust.squares + t * t));
    const float wr = w * r, wc = w * c, we = w * e;
    sums[x] += wr * r;
    sums[x + width] += wr * c;
    sums[x + 2 * width] += wr;
    sums[x + 3 * width] += wc * c;
    sums[x + 4 * width] += wc;
    sums[x + 5 * width] += w;
    sums[x + 6 * width] += wr * e;
    sums[x + 7 * width] += wc * e;
    sums[x + 8 * width] += we;
    sums[x + 9 * width] += we * e;
  }
}

Equations equations(const Level& level, const Shift& shift, const Robust& robust,
                    const Plane& moved, float* sums) {
  const int rows = moved.rows, width = moved.cols, margin = margin_of(level.mask, shift);
  const Terms terms{moved, level.frame, robust, margin, sums + kSums * width, sums};
  memset(sums, 0, sizeof(float) * (kSums + 1) * width);
  for (int x = margin; x < width - margin; ++x) terms.across[x] = window(x, margin, width);
  move(level.mask, shift, margin - 1, moved);
  for (int y = margin; y < rows - margin; ++y) add_row(terms, y, window(y, margin, rows));
  double totals[kSums];
  for (int k = 0; k < kSums; ++k) totals[k] = total(sums + k * width, margin, width - margin);
  return Equations(totals);
}

struct Estimator {
  Level levels[kLevels];
  int count;
  Plane moved;
  float* sums;
  double unshifted = 0.0;      // variance of the coarsest difference
  Robust robust{0.0f, 1e30f};  // weighs all alike until the first residual is known
  Robust of_residuals{};       // the scale of those that are the answer

  Plane buffer(const Level& level) const { return {moved.data, level.mask.rows, level.mask.cols}; }

  Equations measure(int l, const Shift& shift, const Robust& scale) const {
    return equations(levels[l], shift, scale, buffer(levels[l]), sums);
  }

  void refine(int l, float longest, Shift& shift) {
    const Equations found = measure(l, shift, robust);
    const Shift step = found.solve();
    shift.rows = bounded(shift.rows + bounded(step.rows, 1.0f), longest);
    shift.cols = bounded(shift.cols + bounded(step.cols, 1.0f), longest);
    robust = robust_of(found, unshifted);
  }

  // In pixels of the finest level.
  Shift run(float longest) {
    longest = longest_of(levels[0].frame, longest);
    const float coarsest = longest / static_cast<float>(1 << (count - 1));
    const Found found = search(levels[count - 1], coarsest, sums);
    Shift shift = found.shift;
    unshifted = found.unshifted;
    for (int l = count; l-- > 0;) {
      for (int k = 0; k < steps_on(l); ++k) refine(l, longest / static_cast<float>(1 << l), shift);
      if (l == residual_level(count)) of_residuals = robust;
      if (l > 0) shift = {shift.rows * 2.0f, shift.cols * 2.0f};
    }
    return shift;
  }

  // Both residuals of an answer have one scale.
  float residual(const Shift& shift) const {
    const int l = residual_level(count);
    const float size = 1.0f / static_cast<float>(1 << l);
    const double squares = measure(l, {shift.rows * size, shift.cols * size}, of_residuals).squares;
    return sqrtf(static_cast<float>(squares > 0.0 ? squares : 0.0));
  }
};

template <typename T>
Estimator prepare(const EstimateShift<T>& args) {
  const int box = shift_box(args.frame.rows, args.frame.cols);
  Scratch scratch{args.scratch};
  auto* row = reinterpret_cast<std::uint32_t*>(scratch.take(args.frame.cols));
  int rows = args.frame.rows / box, cols = args.frame.cols / box;
  Estimator made;
  made.moved = scratch.plane(rows, cols);
  made.sums = scratch.take((kSums + 1) * cols);
  made.levels[0] = {scratch.plane(rows, cols), scratch.plane(rows, cols)};
  reduce(args.mask, box, args.log, row, made.levels[0].mask);
  reduce(args.frame, box, args.log, row, made.levels[0].frame);
  for (made.count = 1; made.count < kLevels; ++made.count) {
    rows /= 2;
    cols /= 2;
    if (rows < kSmallestSide || cols < kSmallestSide) break;
    const Level& finer = made.levels[made.count - 1];
    Level& level = made.levels[made.count];
    level = {scratch.plane(rows, cols), scratch.plane(rows, cols)};
    halve(finer.mask, level.mask);
    halve(finer.frame, level.frame);
  }
  return made;
}

}  // namespace

template <Target, typename T>
ShiftEstimate estimate_shift_on(const EstimateShift<T>& args) {
  Estimator estimator = prepare(args);
  const float box = static_cast<float>(shift_box(args.frame.rows, args.frame.cols));
  const Shift shift = estimator.run(args.longest / box);
  return {shift.rows * box, shift.cols * box, estimator.residual(shift),
          estimator.residual({0.0f, 0.0f})};
}

template ShiftEstimate estimate_shift_on<kTarget>(const EstimateShift<std::uint8_t>&);
template ShiftEstimate estimate_shift_on<kTarget>(const EstimateShift<std::uint16_t>&);

}  // namespace angio
