#include <stdexcept>
#include <string>

#include "core/launch.h"
#include "kernels/box_rules.h"
#include "kernels/cuda/boxes.h"
#include "kernels/cuda/ranks.h"

namespace angio::cuda {
namespace {

constexpr int kTile = 64;  // boxes that one word of overlaps is about

// A list of boxes on the device, and the same by score.
template <int D>
struct Sorted {
  BoxList list;
  std::uint64_t* keys;
  Box<D>* boxes;
  std::int32_t* order;
  BoxCounts* counts;
};

template <int D>
__device__ Box<D> box_on_device(const BoxList& list, std::size_t i) {
  return box_of<D>(list.boxes.row(int(i)), list.classes ? list.classes[i] : 0);
}

template <int D>
__global__ void read_boxes(Sorted<D> sorted) {
  const std::size_t i = thread_index();
  const auto count = std::size_t(sorted.list.size());
  if (i >= count) return;
  const float score = sorted.list.scores[i];
  const bool ok = valid(box_on_device<D>(sorted.list, i), score);
  sorted.keys[i] = ok ? score_key(score) | i : ~std::uint64_t(0);
  if (ok)
    atomicAdd(&sorted.counts->valid, 1u);
  else
    atomicMax(&sorted.counts->invalid_from_end, std::uint32_t(count - i));
}

template <int D>
__global__ void sort_boxes(Sorted<D> sorted) {
  ANGIO_SHARED(RankShared, shared);
  const std::size_t i = thread_index();
  const auto count = std::uint32_t(sorted.list.size());
  const std::uint64_t own = i < count ? sorted.keys[i] : ~std::uint64_t(0);
  const std::uint32_t rank = rank_of(shared, sorted.keys, count, own);
  if (own == ~std::uint64_t(0)) return;
  sorted.order[rank] = std::int32_t(i);
  sorted.boxes[rank] = box_on_device<D>(sorted.list, i);
}

struct Rule {
  float iou_threshold;
  float min_distance;
  bool classes;
};

template <int D>
struct TileShared {
  Box<D> boxes[kTile];
};

template <int D>
__device__ bool falls(const Meeting<D>& meeting, const Rule& rule, const Box<D>& other) {
  const float shared = meeting.intersection(other.low, other.high);
  bool fallen = meeting.overlaps(shared, other.measure);
  if (rule.min_distance > 0.0f) fallen |= meeting.close(other.low, other.high);
  return fallen && (!rule.classes || other.class_ == meeting.one.class_);
}

// A block of kTile threads finds which of the boxes of tile x fall to those of tile y.
template <int D>
__global__ void meet(const Box<D>* boxes, const BoxCounts* counts, Rule rule, unsigned words,
                     std::uint64_t* overlaps) {
  ANGIO_SHARED(TileShared<D>, shared);
  if (blockIdx.x < blockIdx.y) return;
  const unsigned count = counts->valid, t = threadIdx.x;
  const unsigned row = blockIdx.y * kTile + t, first = blockIdx.x * kTile;
  if (first + t < count) shared.boxes[t] = boxes[first + t];
  __syncthreads();
  if (row >= count) return;
  const Meeting<D> meeting{boxes[row], rule.iou_threshold,
                           4.0f * rule.min_distance * rule.min_distance};
  std::uint64_t bits = 0;
  for (unsigned k = 0; k < kTile && first + k < count; ++k)
    if (first + k > row && falls(meeting, rule, shared.boxes[k])) bits |= std::uint64_t(1) << k;
  overlaps[std::size_t(row) * words + blockIdx.x] = bits;
}

struct SweepShared {
  std::uint64_t fallen[kMostBoxes / kTile];
  std::uint64_t within[kTile];  // the overlaps of a tile's boxes with each other
  std::uint64_t kept;
  std::uint32_t count;
};

struct Sweep {
  const std::uint64_t* overlaps;
  const std::int32_t* order;
  unsigned words;
  std::uint32_t max_kept;
  std::int64_t* kept;
  BoxCounts* counts;
};

// One thread decides within a tile.
__device__ void keep_within(const Sweep& sweep, unsigned tile, SweepShared& shared) {
  std::uint64_t fallen = shared.fallen[tile];
  shared.kept = 0;
  for (unsigned k = 0; k < kTile && tile * kTile + k < sweep.counts->valid; ++k) {
    if (shared.count == sweep.max_kept) return;
    if (fallen >> k & 1) continue;
    shared.kept |= std::uint64_t(1) << k;
    fallen |= shared.within[k];
    sweep.kept[shared.count++] = sweep.order[tile * kTile + k];
  }
}

// One block goes from tile to tile: who is kept is decided by one thread, what falls to them later
// by all.
__global__ void sweep_tiles(Sweep sweep) {
  ANGIO_SHARED(SweepShared, shared);
  const unsigned t = threadIdx.x, count = sweep.counts->valid;
  const unsigned tiles = (count + kTile - 1) / kTile;
  for (unsigned word = t; word < tiles; word += kBlock) shared.fallen[word] = 0;
  if (t == 0) shared.count = 0;
  for (unsigned tile = 0; tile < tiles; ++tile) {
    const std::uint64_t* rows = sweep.overlaps + std::size_t(tile) * kTile * sweep.words;
    if (t < kTile && tile * kTile + t < count) shared.within[t] = rows[t * sweep.words + tile];
    __syncthreads();
    if (t == 0) keep_within(sweep, tile, shared);
    __syncthreads();
    for (unsigned word = tile + 1 + t; word < tiles; word += kBlock)
      for (unsigned k = 0; k < kTile; ++k)
        if (shared.kept >> k & 1) shared.fallen[word] |= rows[k * sweep.words + word];
    if (shared.count == sweep.max_kept) break;
  }
  __syncthreads();
  if (t == 0) sweep.counts->kept = shared.count;
}

template <int D>
[[noreturn]] void refuse_first(const BoxList& list, const BoxCounts& counts, Stream stream) {
  const int first = list.size() - int(counts.invalid_from_end);
  float row[2 * D], score;
  copy_to_host(row, list.boxes.row(first), sizeof row, stream);
  copy_to_host(&score, list.scores + first, sizeof score, stream);
  synchronise(stream);
  refuse(box_of<D>(row, 0), score, first);
}

template <int D>
void sweep_boxes(const Sorted<D>& sorted, const NmsRule& rule, Stream stream, BoxMemory& memory) {
  const int count = sorted.list.size();
  const unsigned words = unsigned(count + kTile - 1) / kTile;
  std::uint64_t* overlaps = memory.overlaps.reserve(std::size_t(count) * words);
  const Rule how{rule.iou_threshold, rule.min_distance, sorted.list.classes != nullptr};
  launch(stream, Grid{dim3(words, words), dim3(kTile)}, meet<D>, sorted.boxes, sorted.counts, how,
         words, overlaps);
  launch(stream, grid_for(1), sweep_tiles,
         Sweep{overlaps, sorted.order, words, std::uint32_t(rule.max_kept),
               memory.kept.reserve(count), sorted.counts});
}

}  // namespace

template <int D>
int nms(const BoxList& list, const NmsRule& rule, Stream stream, BoxMemory& memory,
        std::int64_t* kept) {
  const int count = list.size();
  if (count == 0) return 0;
  if (count > kMostBoxes)
    throw std::length_error("a CUDA device takes at most " + std::to_string(kMostBoxes) +
                            " boxes at once, got " + std::to_string(count) +
                            "; decode fewer with DecodeOptions.top");
  static_assert(sizeof(Box<D>) <= sizeof(Box<3>));
  const Sorted<D> sorted{list, memory.keys.reserve(count),
                         reinterpret_cast<Box<D>*>(memory.boxes.reserve(count)),
                         memory.order.reserve(count), memory.counts.reserve(1)};
  clear_on_device(sorted.counts, sizeof(BoxCounts), stream);
  launch(stream, grid_for(count), read_boxes<D>, sorted);
  launch(stream, grid_for(count), sort_boxes<D>, sorted);
  sweep_boxes(sorted, rule, stream, memory);
  BoxCounts* const answer = memory.on_host.reserve(1);
  copy_to_host(answer, sorted.counts, sizeof *answer, stream);
  synchronise(stream);
  if (answer->invalid_from_end > 0 && rule.invalid == InvalidBoxes::refuse)
    refuse_first<D>(list, *answer, stream);
  copy_to_host(kept, memory.kept.data(), answer->kept * sizeof *kept, stream);
  synchronise(stream);
  return int(answer->kept);
}

template int nms<2>(const BoxList&, const NmsRule&, Stream, BoxMemory&, std::int64_t*);
template int nms<3>(const BoxList&, const NmsRule&, Stream, BoxMemory&, std::int64_t*);

}  // namespace angio::cuda
