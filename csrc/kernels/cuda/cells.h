// The cells of a mask joined into components, and the components numbered. Included by .cu files
// only.
#pragma once

#include "core/launch.h"
#include "kernels/cuda/components.h"

namespace angio::cuda {

constexpr std::uint32_t kNone = 0xffffffffu;  // the parent of a cell without pixels

struct Pixel {
  int z, y, x;
};

struct Cells {
  View3D<const std::uint8_t> mask;
  bool background;  // cells of zeros instead of what is not zero
  int steps;        // along so many axes two touching pixels may differ
  // A cell is 1 << deep_shift slices of 1 << side_shift rows and columns.
  int deep_shift, side_shift;
  int deep, down, across;  // cells along each axis
  std::uint32_t* parent;
  std::uint32_t* first;
  std::uint8_t* bits;

  ANGIO_HD std::size_t count() const { return std::size_t(deep) * down * across; }
  __device__ std::size_t index(int z, int y, int x) const {
    return (std::size_t(z) * down + y) * across + x;
  }
  __device__ std::size_t of_pixel(int z, int y, int x) const {
    return index(z >> deep_shift, y >> side_shift, x >> side_shift);
  }
  __device__ Pixel position(std::size_t i) const {
    const std::size_t row = i / across;
    return {int(row / down), int(row % down), int(i % across)};
  }
  // Pixel `bit` of a cell, in raster order; may lie outside the mask.
  __device__ Pixel pixel(const Pixel& cell, int bit) const {
    const int side = 1 << side_shift;
    return {(cell.z << deep_shift) + (bit >> 2 * side_shift),
            (cell.y << side_shift) + (bit >> side_shift) % side,
            (cell.x << side_shift) + bit % side};
  }
  __device__ int pixels() const { return 1 << (deep_shift + 2 * side_shift); }
  __device__ bool has(int z, int y, int x) const {
    return z < mask.depth && y < mask.rows && x < mask.cols &&
           (mask.row(z, y)[x] != 0) != background;
  }
  __device__ std::uint32_t raster(const Pixel& p) const {
    return std::uint32_t((std::size_t(p.z) * mask.rows + p.y) * mask.cols + p.x);
  }
};

// No mask has more: a component needs a cell, and where a cell is one pixel, a pixel beside it that
// is not set.
inline std::size_t most_components(const Cells& cells) {
  const std::size_t count = cells.count();
  return cells.deep_shift + cells.side_shift > 0 ? count : (count + 1) / 2;
}

// The memory of the cells of a mask (or of its background). Throws std::length_error for 2^31
// pixels or more.
Cells cells_of(const Search& search, bool background, ComponentsMemory& memory);
// Afterwards parent is the root of every cell with pixels, and first the first pixel of every root.
void join(const Cells& cells, Stream stream);
// Afterwards first is the label of every root, and the number of components is counted.
void number(const Cells& cells, Stream stream, ComponentsMemory& memory);
// Waits for the stream and returns what was counted.
ComponentCounts fetch_counts(Stream stream, ComponentsMemory& memory);

}  // namespace angio::cuda
