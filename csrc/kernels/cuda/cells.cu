#include <stdexcept>

#include "kernels/cuda/cells.h"
#include "kernels/cuda/scan.h"

namespace angio::cuda {
namespace {

constexpr int kMostPixels = 0x7fffffff;

__device__ std::uint32_t find_root(const std::uint32_t* parent, std::uint32_t cell) {
  for (std::uint32_t up = load(parent + cell); up != cell; up = load(parent + cell)) cell = up;
  return cell;
}

// The larger root goes below the smaller one; if another thread was quicker, what it put there is
// joined too.
__device__ void unite(std::uint32_t* parent, std::uint32_t one, std::uint32_t other) {
  for (;;) {
    one = find_root(parent, one);
    other = find_root(parent, other);
    if (one == other) return;
    const std::uint32_t high = one > other ? one : other, low = one > other ? other : one;
    const std::uint32_t old = atomicMin(parent + high, low);
    if (old == high) return;
    one = old;
    other = low;
  }
}

__global__ void read_cells(Cells cells) {
  const std::size_t i = thread_index();
  if (i >= cells.count()) return;
  const Pixel cell = cells.position(i);
  unsigned bits = 0;
  std::uint32_t first = kNone;
  for (int bit = cells.pixels(); bit-- > 0;) {
    const Pixel p = cells.pixel(cell, bit);
    if (!cells.has(p.z, p.y, p.x)) continue;
    bits |= 1u << bit;
    first = cells.raster(p);
  }
  cells.bits[i] = std::uint8_t(bits);
  cells.first[i] = first;
  cells.parent[i] = bits ? std::uint32_t(i) : kNone;
}

__device__ bool towards(int direction, int place, int shift) {
  return direction == 0 || place == (direction < 0 ? 0 : (1 << shift) - 1);
}

// The pixels of a cell that touch a neighbour in that direction. In the directions it does not go,
// all pixels of two cells are at most one apart.
__device__ unsigned face(const Cells& cells, int dz, int dy, int dx) {
  unsigned bits = 0;
  for (int bit = 0; bit < cells.pixels(); ++bit) {
    const Pixel p = cells.pixel({0, 0, 0}, bit);
    bits |= unsigned(towards(dz, p.z, cells.deep_shift) && towards(dy, p.y, cells.side_shift) &&
                     towards(dx, p.x, cells.side_shift))
            << bit;
  }
  return bits;
}

// Joins every cell with those before it.
__global__ void join_cells(Cells cells) {
  const std::size_t i = thread_index();
  if (i >= cells.count() || cells.bits[i] == 0) return;
  const Pixel cell = cells.position(i);
  for (int code = 0; code < 13; ++code) {
    const int dz = code / 9 - 1, dy = code / 3 % 3 - 1, dx = code % 3 - 1;
    const int z = cell.z + dz, y = cell.y + dy, x = cell.x + dx;
    if (dz * dz + dy * dy + dx * dx > cells.steps) continue;
    if (z < 0 || y < 0 || y >= cells.down || x < 0 || x >= cells.across) continue;
    const std::size_t j = cells.index(z, y, x);
    if ((cells.bits[i] & face(cells, dz, dy, dx)) && (cells.bits[j] & face(cells, -dz, -dy, -dx)))
      unite(cells.parent, std::uint32_t(i), std::uint32_t(j));
  }
}

// Points every cell at its root, and tells the root the component's first pixel.
__global__ void flatten(Cells cells) {
  const std::size_t i = thread_index();
  if (i >= cells.count() || cells.bits[i] == 0) return;
  const std::uint32_t root = find_root(cells.parent, std::uint32_t(i));
  if (root == i) return;
  cells.parent[i] = root;
  if (cells.first[i] < load(cells.first + root)) atomicMin(cells.first + root, cells.first[i]);
}

struct Starts {
  std::uint32_t* words;   // a bit for every pixel
  std::uint32_t* before;  // by word
  std::uint32_t* sums;    // by block of words
  std::size_t count;      // of words
};

__global__ void mark_starts(Cells cells, Starts starts) {
  const std::size_t i = thread_index();
  if (i >= cells.count() || cells.parent[i] != i) return;
  atomicOr(starts.words + cells.first[i] / 32, 1u << cells.first[i] % 32);
}

__global__ void count_starts(Starts starts) {
  ANGIO_SHARED(ScanShared, shared);
  const std::size_t word = thread_index();
  const auto set = word < starts.count ? std::uint32_t(__popc(starts.words[word])) : 0u;
  const std::uint32_t sum = sum_up_to_here(shared, set);
  if (word < starts.count) starts.before[word] = sum - set;
  if (threadIdx.x == kBlock - 1) starts.sums[blockIdx.x] = sum;
}

// One block.
__global__ void sum_blocks(Starts starts, unsigned blocks, ComponentCounts* counts) {
  ANGIO_SHARED(ScanShared, shared);
  std::uint32_t before = 0;
  for (unsigned begin = 0; begin < blocks; begin += kBlock) {
    const unsigned i = begin + threadIdx.x;
    const std::uint32_t own = i < blocks ? starts.sums[i] : 0;
    const std::uint32_t sum = sum_up_to_here(shared, own);
    if (i < blocks) starts.sums[i] = before + sum - own;
    before += shared.sums[kBlock - 1];
  }
  if (threadIdx.x == 0) counts->components = before;
}

// Replaces the first pixel of every root by its label.
__global__ void number_roots(Cells cells, Starts starts) {
  const std::size_t i = thread_index();
  if (i >= cells.count() || cells.parent[i] != i) return;
  const std::uint32_t word = cells.first[i] / 32, bit = cells.first[i] % 32;
  const auto within = std::uint32_t(__popc(starts.words[word] & ((1u << bit) - 1)));
  cells.first[i] = starts.sums[word / kBlock] + starts.before[word] + within + 1;
}

int steps_of(Connectivity connectivity) {
  return connectivity == 26 ? 3 : (connectivity == 8 || connectivity == 18 ? 2 : 1);
}

}  // namespace

Cells cells_of(const Search& search, bool background, ComponentsMemory& memory) {
  const auto& mask = search.mask;
  Cells cells{};
  cells.mask = mask;
  cells.background = background;
  cells.steps = steps_of(search.connectivity);
  cells.deep_shift = search.connectivity == 26;
  cells.side_shift = search.connectivity == 26 || search.connectivity == 8;
  cells.deep = (mask.depth + cells.deep_shift) >> cells.deep_shift;
  cells.down = (mask.rows + cells.side_shift) >> cells.side_shift;
  cells.across = (mask.cols + cells.side_shift) >> cells.side_shift;
  if (std::size_t(mask.depth) * mask.rows * mask.cols > std::size_t(kMostPixels))
    throw std::length_error("the mask has 2^31 pixels or more; label it in tiles");
  cells.parent = memory.parent.reserve(cells.count());
  cells.first = memory.first.reserve(cells.count());
  cells.bits = memory.bits.reserve(cells.count());
  return cells;
}

void join(const Cells& cells, Stream stream) {
  const Grid grid = grid_for(cells.count());
  launch(stream, grid, read_cells, cells);
  launch(stream, grid, join_cells, cells);
  launch(stream, grid, flatten, cells);
}

void number(const Cells& cells, Stream stream, ComponentsMemory& memory) {
  const auto& mask = cells.mask;
  Starts starts{};
  starts.count = (std::size_t(mask.depth) * mask.rows * mask.cols + 31) / 32;
  const Grid words = grid_for(starts.count);
  starts.words = memory.words.reserve(starts.count);
  starts.before = memory.before.reserve(starts.count);
  starts.sums = memory.sums.reserve(words.blocks.x);
  clear_on_device(starts.words, starts.count * sizeof *starts.words, stream);
  launch(stream, grid_for(cells.count()), mark_starts, cells, starts);
  launch(stream, words, count_starts, starts);
  launch(stream, grid_for(1), sum_blocks, starts, words.blocks.x, memory.counts.data());
  launch(stream, grid_for(cells.count()), number_roots, cells, starts);
}

ComponentCounts fetch_counts(Stream stream, ComponentsMemory& memory) {
  ComponentCounts* counts = memory.on_host.reserve(1);
  copy_to_host(counts, memory.counts.data(), sizeof *counts, stream);
  synchronise(stream);
  return *counts;
}

}  // namespace angio::cuda
