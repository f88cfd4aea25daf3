#include "core/launch.h"
#include "core/logarithm.h"
#include "kernels/cuda/shift.h"
#include "kernels/shift_equations.h"

namespace angio::cuda {
namespace {

struct Level {
  Plane mask;
  Plane frame;
};

struct Pyramid {
  Level levels[kLevels];
  int count;
  int box;
};

template <int kValues>
struct TotalShared {
  double sums[kValues][kBlock];
};

// The totals of every thread's values, added in a fixed order: sums[k][0] of the shared memory.
template <int kValues>
__device__ void add_up(TotalShared<kValues>& shared, const double (&own)[kValues]) {
  const unsigned t = threadIdx.x;
  __syncthreads();  // who still reads the totals of the call before
  for (int k = 0; k < kValues; ++k) shared.sums[k][t] = own[k];
  for (unsigned half = kBlock / 2; half > 0; half /= 2) {
    __syncthreads();
    for (int k = 0; k < kValues && t < half; ++k) shared.sums[k][t] += shared.sums[k][t + half];
  }
  __syncthreads();
}

template <typename T>
__global__ void average(View2D<const T> pixels, int box, Plane out) {
  const std::size_t i = thread_index();
  if (i >= std::size_t(out.rows) * out.cols) return;
  const int y = int(i / out.cols), x = int(i % out.cols);
  std::uint32_t sum = 0;
  for (int dy = 0; dy < box; ++dy)
    for (int dx = 0; dx < box; ++dx) sum += pixels.row(y * box + dy)[x * box + dx];
  out.row(y)[x] = static_cast<float>(sum) * (1.0f / static_cast<float>(box * box));
}

// One block gives what is far darker than the rest the value of the rest, and takes logarithms.
__global__ void fill_shadow(Plane plane, int log) {
  ANGIO_SHARED(TotalShared<1>, shared);
  const int all = plane.rows * plane.cols;
  double own[1] = {};
  for (int i = int(threadIdx.x); i < all; i += int(kBlock)) own[0] += plane.data[i];
  add_up(shared, own);
  const float mean = static_cast<float>(shared.sums[0][0] / all);
  for (int i = int(threadIdx.x); i < all; i += int(kBlock)) {
    const float value = plane.data[i] < mean * kShadow ? mean : plane.data[i];
    plane.data[i] = log ? logarithm(value + 1.0f) : value;
  }
}

__global__ void halve(Plane in, Plane out) {
  const std::size_t i = thread_index();
  if (i >= std::size_t(out.rows) * out.cols) return;
  const int y = int(i / out.cols), x = int(i % out.cols);
  const float *a = in.row(2 * y) + 2 * x, *b = in.row(2 * y + 1) + 2 * x;
  out.row(y)[x] = ((a[0] + a[1]) + (b[0] + b[1])) * 0.25f;
}

// A block per shift by whole pixels: the variance of the difference.
__global__ void search(Level level, int radius, double* variances) {
  ANGIO_SHARED(TotalShared<2>, shared);
  const int side = 2 * radius + 1;
  const int rows = int(blockIdx.x) / side - radius, cols = int(blockIdx.x) % side - radius;
  const int width = level.frame.cols - 2 * radius, height = level.frame.rows - 2 * radius;
  double own[2] = {};
  for (int i = int(threadIdx.x); i < width * height; i += int(kBlock)) {
    const int y = radius + i / width, x = radius + i % width;
    const double d = level.mask.row(y - rows)[x - cols] - level.frame.row(y)[x];
    own[0] += d;
    own[1] += d * d;
  }
  add_up(shared, own);
  if (threadIdx.x != 0) return;
  const double count = static_cast<double>(width) * height, mean = shared.sums[0][0] / count;
  variances[blockIdx.x] = shared.sums[1][0] / count - mean * mean;
}

struct RefineShared {
  TotalShared<kSums> totals;
  Shift shift;
  double unshifted;  // variance of the coarsest difference
  Robust robust;
  Robust of_residuals;  // the scale of those that are the answer
};

// The mask moved by a sub-pixel shift, at one pixel.
__device__ float moved(const Plane& mask, const Shift& shift, int y, int x) {
  const int down = int(floorf(-shift.rows)), right = int(floorf(-shift.cols));
  const float v = -shift.rows - static_cast<float>(down);
  const float h = -shift.cols - static_cast<float>(right);
  const float *a = mask.row(y + down) + right + x, *b = mask.row(y + down + 1) + right + x;
  return (a[0] * (1.0f - v) + b[0] * v) * (1.0f - h) + (a[1] * (1.0f - v) + b[1] * v) * h;
}

__device__ void add_terms(const Level& level, const RefineShared& at, int y, int x, int margin,
                          double (&sums)[kSums]) {
  const Plane& mask = level.mask;
  const Shift& shift = at.shift;
  const float r = (moved(mask, shift, y - 1, x) - moved(mask, shift, y + 1, x)) * 0.5f;
  const float c = (moved(mask, shift, y, x - 1) - moved(mask, shift, y, x + 1)) * 0.5f;
  const float e = moved(mask, shift, y, x) - level.frame.row(y)[x];
  const float t = e - at.robust.mean;
  const float w = window(y, margin, mask.rows) * window(x, margin, mask.cols) *
                  (at.robust.squares / (at.robust.squares + t * t));
  const float wr = w * r, wc = w * c, we = w * e;
  const float terms[kSums] = {wr * r, wr * c, wr, wc * c, wc, w, wr * e, wc * e, we, we * e};
  for (int k = 0; k < kSums; ++k) sums[k] += terms[k];
}

// The whole block; the answer is every thread's.
__device__ Equations measure(const Level& level, RefineShared& shared) {
  const int margin = margin_of(level.mask, shared.shift);
  const int width = level.mask.cols - 2 * margin, height = level.mask.rows - 2 * margin;
  double own[kSums] = {};
  for (int i = int(threadIdx.x); width > 0 && i < width * height; i += int(kBlock))
    add_terms(level, shared, margin + i / width, margin + i % width, margin, own);
  add_up(shared.totals, own);
  double totals[kSums];
  for (int k = 0; k < kSums; ++k) totals[k] = shared.totals.sums[k][0];
  return Equations(totals);
}

__device__ void refine(const Level& level, float longest, RefineShared& shared) {
  const Equations found = measure(level, shared);
  __syncthreads();
  if (threadIdx.x == 0) {
    const Shift step = found.solve();
    shared.shift.rows = bounded(shared.shift.rows + bounded(step.rows, 1.0f), longest);
    shared.shift.cols = bounded(shared.shift.cols + bounded(step.cols, 1.0f), longest);
    shared.robust = robust_of(found, shared.unshifted);
  }
  __syncthreads();
}

// The shift of the search, and the variance without one.
__device__ void take_best(const double* variances, int radius, RefineShared& shared) {
  const int side = 2 * radius + 1;
  shared.shift = {0.0f, 0.0f};
  shared.unshifted = variances[radius * side + radius];
  double best = shared.unshifted;
  for (int i = 0; i < side * side; ++i) {
    const Shift tried{static_cast<float>(i / side - radius), static_cast<float>(i % side - radius)};
    if (!is_better(variances[i], tried, best, shared.shift)) continue;
    best = variances[i];
    shared.shift = tried;
  }
}

// Both residuals of an answer have one scale.
__device__ float residual(const Level& level, const Shift& shift, RefineShared& shared) {
  __syncthreads();
  if (threadIdx.x == 0) {
    shared.shift = shift;
    shared.robust = shared.of_residuals;
  }
  __syncthreads();
  const double squares = measure(level, shared).squares;
  return sqrtf(static_cast<float>(squares > 0.0 ? squares : 0.0));
}

// One block: every step needs the one before, and the images are small.
__global__ void refine_all(Pyramid pyramid, const double* variances, int radius, float longest,
                           ShiftEstimate* out) {
  ANGIO_SHARED(RefineShared, shared);
  if (threadIdx.x == 0) {
    take_best(variances, radius, shared);
    shared.robust = {0.0f, 1e30f};  // weighs all alike until the first residual is known
  }
  __syncthreads();
  for (int l = pyramid.count; l-- > 0;) {
    for (int k = 0; k < steps_on(l); ++k)
      refine(pyramid.levels[l], longest / static_cast<float>(1 << l), shared);
    if (threadIdx.x == 0 && l == residual_level(pyramid.count)) shared.of_residuals = shared.robust;
    if (threadIdx.x == 0 && l > 0)
      shared.shift = {shared.shift.rows * 2.0f, shared.shift.cols * 2.0f};
    __syncthreads();
  }
  const Shift shift = shared.shift;
  const int l = residual_level(pyramid.count);
  const float scale = 1.0f / static_cast<float>(1 << l), box = static_cast<float>(pyramid.box);
  const float left = residual(pyramid.levels[l], {shift.rows * scale, shift.cols * scale}, shared);
  const float unshifted = residual(pyramid.levels[l], {0.0f, 0.0f}, shared);
  if (threadIdx.x == 0) *out = {shift.rows * box, shift.cols * box, left, unshifted};
}

template <typename T>
Pyramid build(const EstimateShift<T>& args, Stream stream, float* memory) {
  Pyramid made{};
  made.box = shift_box(args.frame.rows, args.frame.cols);
  int rows = args.frame.rows / made.box, cols = args.frame.cols / made.box;
  const auto plane = [&] {
    const Plane taken{memory, rows, cols};
    memory += std::size_t(rows) * cols;
    return taken;
  };
  made.levels[0] = {plane(), plane()};
  const Grid grid = grid_for(std::size_t(rows) * cols);
  launch(stream, grid, average<T>, args.mask, made.box, made.levels[0].mask);
  launch(stream, grid, average<T>, args.frame, made.box, made.levels[0].frame);
  launch(stream, grid_for(1), fill_shadow, made.levels[0].mask, int(args.log));
  launch(stream, grid_for(1), fill_shadow, made.levels[0].frame, int(args.log));
  for (made.count = 1; made.count < kLevels; ++made.count) {
    rows /= 2;
    cols /= 2;
    if (rows < kSmallestSide || cols < kSmallestSide) break;
    const Level& finer = made.levels[made.count - 1];
    const Level level = made.levels[made.count] = {plane(), plane()};
    const Grid pixels = grid_for(std::size_t(rows) * cols);
    launch(stream, pixels, halve, finer.mask, level.mask);
    launch(stream, pixels, halve, finer.frame, level.frame);
  }
  return made;
}

}  // namespace

template <typename T>
ShiftEstimate estimate_shift(const EstimateShift<T>& args, Stream stream, ShiftMemory& memory) {
  const std::size_t floats = shift_scratch(args.frame.rows, args.frame.cols);
  const Pyramid pyramid = build(args, stream, memory.pyramid.reserve(floats));
  const float longest =
      longest_of(pyramid.levels[0].frame, args.longest / static_cast<float>(pyramid.box));
  const Level& coarsest = pyramid.levels[pyramid.count - 1];
  const int radius =
      search_radius(coarsest.frame, longest / static_cast<float>(1 << (pyramid.count - 1)));
  const unsigned shifts = unsigned((2 * radius + 1) * (2 * radius + 1));
  double* const variances = memory.variances.reserve(shifts);
  ShiftEstimate* const found = memory.found.reserve(1);
  launch(stream, Grid{dim3(shifts), dim3(kBlock)}, search, coarsest, radius, variances);
  launch(stream, grid_for(1), refine_all, pyramid, variances, radius, longest, found);
  ShiftEstimate* const answer = memory.on_host.reserve(1);
  copy_to_host(answer, found, sizeof *answer, stream);
  synchronise(stream);
  return *answer;
}

template ShiftEstimate estimate_shift(const EstimateShift<std::uint8_t>&, Stream, ShiftMemory&);
template ShiftEstimate estimate_shift(const EstimateShift<std::uint16_t>&, Stream, ShiftMemory&);

}  // namespace angio::cuda
