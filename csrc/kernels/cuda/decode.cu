#include <cmath>

#include "core/launch.h"
#include "kernels/box_of_anchor.h"
#include "kernels/cuda/boxes.h"
#include "kernels/cuda/ranks.h"
#include "kernels/cuda/scan.h"

namespace angio::cuda {
namespace {

struct Candidates {
  std::uint64_t* keys;  // of all candidates, in any order
  std::uint64_t* best;  // of the chosen ones, in any order
  BoxCounts* counts;
  std::uint32_t top;
};

__global__ void find_candidates(HeadView logits, float threshold, Candidates found) {
  const std::size_t i = thread_index();
  if (i >= std::size_t(logits.groups) * logits.cells) return;
  const float logit = logits.at(int(i / logits.cells), 0, int(i % logits.cells));
  if (!(logit > threshold)) return;
  found.keys[atomicAdd(&found.counts->candidates, 1u)] = score_key(logit) | i;
}

// One block finds the last key that is among the best.
__global__ void find_last_key(Candidates found) {
  ANGIO_SHARED(SelectShared, shared);
  const std::uint32_t count = found.counts->candidates;
  std::uint64_t last = ~std::uint64_t(0);
  if (count > found.top)
    last = nth_smallest(shared, count, found.top, [=](std::uint32_t i) { return found.keys[i]; });
  if (threadIdx.x == 0) found.counts->last_key = last;
}

__global__ void choose_best(Candidates found) {
  const std::uint32_t count = found.counts->candidates;
  for (std::size_t i = thread_index(); i < count; i += thread_count())
    if (found.keys[i] <= found.counts->last_key)
      found.best[atomicAdd(&found.counts->chosen, 1u)] = found.keys[i];
}

struct Head {
  View2D<const float> anchors;
  HeadView offsets;
  HeadView logits;
  DecodeRule rule;
};

struct Decoded {
  Box<3>* boxes;          // by rank; corners only
  std::uint64_t* keys;    // by rank
  std::uint8_t* decoded;  // by rank: whether there is a box
};

template <int D>
__global__ void decode_best(Head head, Candidates found, Decoded out) {
  ANGIO_SHARED(RankShared, shared);
  const std::uint32_t count = found.counts->chosen;
  const std::size_t i = thread_index();
  if (std::size_t(blockIdx.x) * kBlock >= count) return;  // a whole block
  const std::uint64_t key = i < count ? found.best[i] : ~std::uint64_t(0);
  const std::uint32_t rank = rank_of(shared, found.best, count, key);
  if (i >= count) return;
  float box[2 * D];
  const std::size_t index = key & 0xffffffffu;
  out.decoded[rank] = decode<D>(head.anchors.row(int(index)), head.offsets, index, head.rule, box);
  out.keys[rank] = key;
  for (int axis = 0; axis < D && out.decoded[rank]; ++axis) {
    out.boxes[rank].low[axis] = box[axis];
    out.boxes[rank].high[axis] = box[D + axis];
  }
}

template <int D>
__device__ void write(const Head& head, const Decoded& from, std::uint32_t rank,
                      const DecodedBoxes& out, std::uint32_t place) {
  const std::size_t index = from.keys[rank] & 0xffffffffu;
  const auto cells = std::size_t(head.logits.cells);
  float* box = out.boxes.row(int(place));
  for (int axis = 0; axis < D; ++axis) {
    box[axis] = from.boxes[rank].low[axis];
    box[D + axis] = from.boxes[rank].high[axis];
  }
  const float logit = head.logits.at(int(index / cells), 0, int(index % cells));
  out.scores[place] = 1.0f / (1.0f + expf(-logit));
  out.indices[place] = std::int64_t(index);
}

// One block closes the gaps of those that are no boxes.
template <int D>
__global__ void close_gaps(Head head, Decoded from, BoxCounts* counts, DecodedBoxes out) {
  ANGIO_SHARED(ScanShared, shared);
  const std::uint32_t count = counts->chosen;
  std::uint32_t before = 0;
  for (std::uint32_t begin = 0; begin < count; begin += kBlock) {
    const std::uint32_t rank = begin + threadIdx.x;
    const bool there = rank < count && from.decoded[rank];
    const std::uint32_t place = before + sum_up_to_here(shared, there);
    if (there) write<D>(head, from, rank, out, place - 1);
    before += shared.sums[kBlock - 1];
  }
  if (threadIdx.x == 0) counts->decoded = before;
}

}  // namespace

template <int D>
int decode_boxes(View2D<const float> anchors, const HeadView& offsets, const HeadView& logits,
                 const DecodeRule& rule, Stream stream, BoxMemory& memory,
                 const DecodedBoxes& out) {
  const std::size_t all = std::size_t(logits.groups) * logits.cells;
  const std::size_t top = std::size_t(rule.top) < all ? std::size_t(rule.top) : all;
  if (top == 0) return 0;
  BoxCounts* const counts = memory.counts.reserve(1);
  const Candidates found{memory.keys.reserve(all), memory.best.reserve(2 * top), counts,
                         std::uint32_t(top)};
  const Decoded decoded{memory.boxes.reserve(top), found.best + top, memory.flags.reserve(top)};
  const Head head{anchors, offsets, logits, rule};
  clear_on_device(counts, sizeof *counts, stream);
  launch(stream, grid_for(all), find_candidates, logits, rule.logit_threshold, found);
  launch(stream, grid_for(1), find_last_key, found);
  launch(stream, grid_for(all < 1 << 16 ? all : 1 << 16), choose_best, found);
  launch(stream, grid_for(top), decode_best<D>, head, found, decoded);
  launch(stream, grid_for(1), close_gaps<D>, head, decoded, counts, out);
  BoxCounts* const answer = memory.on_host.reserve(1);
  copy_to_host(answer, counts, sizeof *answer, stream);
  synchronise(stream);
  return int(answer->decoded);
}

template int decode_boxes<2>(View2D<const float>, const HeadView&, const HeadView&,
                             const DecodeRule&, Stream, BoxMemory&, const DecodedBoxes&);
template int decode_boxes<3>(View2D<const float>, const HeadView&, const HeadView&,
                             const DecodeRule&, Stream, BoxMemory&, const DecodedBoxes&);

}  // namespace angio::cuda
