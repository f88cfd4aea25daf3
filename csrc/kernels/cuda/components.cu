#include <cmath>

#include "core/for_each_pixel.h"
#include "kernels/cuda/cells.h"
#include "kernels/cuda/components.h"

namespace angio::cuda {
namespace {

constexpr int kStrip = 8;              // cells that a thread tallies in a row
constexpr std::size_t kFewest = 4096;  // tallies that are always there
constexpr int kFar = 0x7fffffff;

struct Tallies {
  Tally* of;
  std::uint32_t room;
  const ComponentCounts* counts;

  __device__ std::uint32_t count() const {
    return counts->components < room ? counts->components : room;
  }
};

__global__ void clear_tallies(Tallies tallies) {
  const std::size_t i = thread_index();
  if (i < tallies.count()) tallies.of[i] = {0, {0, 0, 0}, {kFar, kFar, kFar}, {0, 0, 0}};
}

__device__ void add(Tally& tally, const Pixel& p) {
  const int at[3] = {p.z, p.y, p.x};
  ++tally.pixels;
  for (int axis = 0; axis < 3; ++axis) {
    tally.sum[axis] += at[axis];
    if (at[axis] < tally.start[axis]) tally.start[axis] = at[axis];
    if (at[axis] >= tally.stop[axis]) tally.stop[axis] = at[axis] + 1;
  }
}

__device__ void add(Tallies tallies, std::uint32_t label, const Tally& part) {
  if (part.pixels == 0 || label > tallies.room) return;
  Tally& tally = tallies.of[label - 1];
  atomic_add(&tally.pixels, part.pixels);
  for (int axis = 0; axis < 3; ++axis) {
    atomic_add(&tally.sum[axis], part.sum[axis]);
    atomicMin(&tally.start[axis], part.start[axis]);
    atomicMax(&tally.stop[axis], part.stop[axis]);
  }
}

// Integers, so that it does not matter who adds first.
__global__ void tally_cells(Cells cells, Tallies tallies) {
  const std::size_t strips = (std::size_t(cells.across) + kStrip - 1) / kStrip;
  const std::size_t row = thread_index() / strips;
  if (row >= std::size_t(cells.deep) * cells.down) return;
  const int begin = int(thread_index() % strips) * kStrip;
  const int end = begin + kStrip < cells.across ? begin + kStrip : cells.across;
  const Tally none{0, {0, 0, 0}, {kFar, kFar, kFar}, {0, 0, 0}};
  Tally part = none;
  std::uint32_t label = 0;
  for (int x = begin; x < end; ++x) {
    const Pixel cell{int(row / cells.down), int(row % cells.down), x};
    const std::size_t i = cells.index(cell.z, cell.y, cell.x);
    if (cells.bits[i] == 0) continue;
    const std::uint32_t own = cells.first[cells.parent[i]];
    if (own != label) {
      add(tallies, label, part);
      part = none;
    }
    label = own;
    for (int bit = 0; bit < cells.pixels(); ++bit)
      if (cells.bits[i] >> bit & 1) add(part, cells.pixel(cell, bit));
  }
  add(tallies, label, part);
}

void tally(const Cells& cells, std::size_t room, Stream stream, ComponentsMemory& memory) {
  const Tallies tallies{memory.tallies.reserve(room), std::uint32_t(room), memory.counts.data()};
  const std::size_t strips = (std::size_t(cells.across) + kStrip - 1) / kStrip;
  launch(stream, grid_for(room), clear_tallies, tallies);
  launch(stream, grid_for(strips * cells.deep * cells.down), tally_cells, cells, tallies);
}

struct ValuesShared {
  double sums[kBlock];
  float highest[kBlock];
};

__device__ float higher(float one, float other) {
  return other > one || other != other ? other : one;
}

// A block per component walks its bounding box; its threads and their sums meet in a fixed order.
template <typename T>
__global__ void tally_boxes(Cells cells, View3D<const T> values, Tallies tallies,
                            ValueTally* found) {
  ANGIO_SHARED(ValuesShared, shared);
  const unsigned t = threadIdx.x;
  for (std::uint32_t i = blockIdx.x; i < tallies.count(); i += gridDim.x) {
    const Tally& box = tallies.of[i];
    const std::size_t cols = box.stop[2] - box.start[2], rows = box.stop[1] - box.start[1];
    const std::size_t all = cols * rows * (box.stop[0] - box.start[0]);
    double sum = 0.0;
    float highest = -INFINITY;
    for (std::size_t at = t; at < all; at += kBlock) {
      const int z = box.start[0] + int(at / cols / rows), y = box.start[1] + int(at / cols % rows);
      const int x = box.start[2] + int(at % cols);
      if (!cells.has(z, y, x) || cells.first[cells.parent[cells.of_pixel(z, y, x)]] != i + 1)
        continue;
      const auto value = float(values.row(z, y)[x]);
      sum += value;
      highest = higher(highest, value);
    }
    shared.sums[t] = sum;
    shared.highest[t] = highest;
    for (unsigned half = kBlock / 2; half > 0; half /= 2) {
      __syncthreads();
      if (t >= half) continue;
      shared.sums[t] += shared.sums[t + half];
      shared.highest[t] = higher(shared.highest[t], shared.highest[t + half]);
    }
    if (t == 0) found[i] = {shared.sums[0], shared.highest[0], 0.0f};
    __syncthreads();
  }
}

struct Label {
  Cells cells;
  View3D<std::uint32_t> labels;

  struct Row {
    const Label& args;
    int z, y;

    __device__ void operator()(int x) const {
      const Cells& cells = args.cells;
      const bool set = cells.has(z, y, x);
      args.labels.row(z, y)[x] = set ? cells.first[cells.parent[cells.of_pixel(z, y, x)]] : 0;
    }
  };

  __device__ Row row(int y) const { return {*this, y / labels.rows, y % labels.rows}; }
};

}  // namespace

std::uint32_t find_components(const Search& search, ComponentsMemory& memory) {
  clear_on_device(memory.counts.reserve(1), sizeof(ComponentCounts), search.stream);
  const auto& mask = search.mask;
  if (mask.depth == 0 || mask.rows == 0 || mask.cols == 0) return 0;
  const Cells cells = cells_of(search, false, memory);
  const std::size_t room =
      memory.tallies.capacity() > kFewest ? memory.tallies.capacity() : kFewest;
  join(cells, search.stream);
  number(cells, search.stream, memory);
  tally(cells, room, search.stream, memory);
  const std::uint32_t count = fetch_counts(search.stream, memory).components;
  if (count > room) tally(cells, count, search.stream, memory);
  return count;
}

void find_all_components(const Search& search, ComponentsMemory& memory) {
  clear_on_device(memory.counts.reserve(1), sizeof(ComponentCounts), search.stream);
  const Cells cells = cells_of(search, false, memory);
  join(cells, search.stream);
  number(cells, search.stream, memory);
  tally(cells, most_components(cells), search.stream, memory);
}

void fetch_tallies(const Search& search, std::uint32_t count, const ComponentsMemory& memory,
                   Tally* tallies) {
  copy_to_host(tallies, memory.tallies.data(), count * sizeof *tallies, search.stream);
  synchronise(search.stream);
}

template <typename T>
void tally_values(const Search& search, const View3D<const T>& values, std::uint32_t count,
                  ComponentsMemory& memory, ValueTally* tallies) {
  if (count == 0) return;
  ValueTally* found = memory.values.reserve(count);
  const Tallies boxes{memory.tallies.data(), count, memory.counts.data()};
  const Grid grid{dim3(count < 65535 ? count : 65535), dim3(kBlock)};
  launch(search.stream, grid, tally_boxes<T>, cells_of(search, false, memory), values, boxes,
         found);
  copy_to_host(tallies, found, count * sizeof *found, search.stream);
  synchronise(search.stream);
}

template void tally_values(const Search&, const View3D<const float>&, std::uint32_t,
                           ComponentsMemory&, ValueTally*);
template void tally_values(const Search&, const View3D<const std::uint8_t>&, std::uint32_t,
                           ComponentsMemory&, ValueTally*);

void paint_labels(const Search& search, const View3D<std::uint32_t>& labels,
                  ComponentsMemory& memory) {
  if (labels.depth == 0 || labels.rows == 0 || labels.cols == 0) return;
  for_each_pixel(search.stream, labels.depth * labels.rows, labels.cols,
                 Label{cells_of(search, false, memory), labels});
}

}  // namespace angio::cuda
