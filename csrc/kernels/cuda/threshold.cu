#include "core/launch.h"
#include "core/taps.h"
#include "kernels/cuda/threshold.h"

namespace angio::cuda {
namespace {

struct Interpolated {
  View2D<const float> logits;
  View2D<std::uint8_t> mask;
  Axis rows, cols;
  float level;

  __device__ float on_row(int y, const Taps& taps) const {
    const float* pair = logits.row(y) + taps.first;
    if (taps.count == 1) return pair[0];
    return pair[0] * taps.first_weight + pair[1] * taps.last_weight;
  }

  __device__ float at(int y, int x) const {
    const Taps down = taps(rows, y), right = taps(cols, x);
    const float upper = on_row(down.first, right);
    if (down.count == 1) return upper;
    return upper * down.first_weight + on_row(down.first + 1, right) * down.last_weight;
  }
};

__global__ void compare(Interpolated args, ThresholdCounts* counts) {
  ANGIO_SHARED(ThresholdCounts, shared);
  if (threadIdx.x == 0) shared.set = shared.not_numbers = 0;
  __syncthreads();
  const View2D<std::uint8_t>& mask = args.mask;
  const std::size_t i = thread_index();
  if (i < std::size_t(mask.rows) * mask.cols) {
    const int y = int(i / mask.cols), x = int(i % mask.cols);
    const float value = args.at(y, x);
    const bool set = value >= args.level;
    mask.row(y)[x] = set;
    if (set) atomicAdd(&shared.set, 1u);
    if (!(value - value == 0.0f)) atomicAdd(&shared.not_numbers, 1u);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  if (shared.set > 0) atomicAdd(&counts->set, shared.set);
  if (shared.not_numbers > 0) atomicAdd(&counts->not_numbers, shared.not_numbers);
}

}  // namespace

void draw(const Threshold& args, Stream stream, ThresholdMemory& memory) {
  const Interpolated grid{args.logits, args.mask,
                          make_axis(args.logits.rows, args.mask.rows, Resize::linear),
                          make_axis(args.logits.cols, args.mask.cols, Resize::linear), args.level};
  ThresholdCounts* const counts = memory.counts.reserve(1);
  clear_on_device(counts, sizeof *counts, stream);
  launch(stream, grid_for(std::size_t(args.mask.rows) * args.mask.cols), compare, grid, counts);
  copy_to_host(memory.on_host.reserve(1), counts, sizeof *counts, stream);
}

std::int64_t threshold(const Threshold& args, Stream stream, ThresholdMemory& memory) {
  draw(args, stream, memory);
  synchronise(stream);
  return memory.on_host.data()->set;
}

}  // namespace angio::cuda
