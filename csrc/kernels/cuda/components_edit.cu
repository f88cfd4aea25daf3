#include <cstddef>

#include "core/for_each_pixel.h"
#include "kernels/cuda/cells.h"
#include "kernels/cuda/scan.h"

namespace angio::cuda {
namespace {

struct Marks {
  const Tally* tallies;
  std::uint8_t* marks;  // by component
  ComponentCounts* counts;

  __device__ void put(std::uint32_t i, bool keep) const {
    marks[i] = keep;
    if (!keep) return;
    atomicAdd(&counts->kept, 1u);
    atomic_add(&counts->kept_pixels, tallies[i].pixels);
  }
};

// A thread for every component, and maybe more: only the device may know how many there are.
__global__ void mark_large(Marks marks, std::int64_t min_pixels) {
  const std::size_t i = thread_index();
  if (i < marks.counts->components)
    marks.put(std::uint32_t(i), marks.tallies[i].pixels >= min_pixels);
}

__global__ void write_counts(const ComponentCounts* found, std::int64_t* counts) {
  if (thread_index() != 0) return;
  counts[0] = found->kept;
  counts[1] = found->kept_pixels;
  counts[2] = std::int64_t(found->components) - found->kept;
}

// One block; `keep` is 1 to count.
__global__ void mark_largest(Marks marks, std::uint32_t count, std::uint32_t keep) {
  ANGIO_SHARED(SelectShared, shared);
  const Tally* const tallies = marks.tallies;
  const auto larger_first = [=](std::uint32_t i) {
    return std::uint64_t(0xffffffffu - std::uint32_t(tallies[i].pixels)) << 32 | i;
  };
  const std::uint64_t last = nth_smallest(shared, count, keep, larger_first);
  for (std::uint32_t i = threadIdx.x; i < count; i += blockDim.x)
    marks.put(i, larger_first(i) <= last);
}

struct KeepMarked {
  Cells cells;
  const std::uint8_t* marks;
  View3D<std::uint8_t> out;

  struct Row {
    const KeepMarked& args;
    int z, y;

    __device__ void operator()(int x) const {
      const Cells& cells = args.cells;
      const std::uint8_t pixel = cells.mask.row(z, y)[x];
      const bool kept =
          pixel != 0 && args.marks[cells.first[cells.parent[cells.of_pixel(z, y, x)]] - 1];
      args.out.row(z, y)[x] = kept ? pixel : 0;
    }
  };

  __device__ Row row(int y) const { return {*this, y / out.rows, y % out.rows}; }
};

// All but the number of components, which stays.
void clear_kept(ComponentCounts* counts, Stream stream) {
  clear_on_device(&counts->kept, sizeof *counts - offsetof(ComponentCounts, kept), stream);
}

bool empty(const MaskEdit& edit) {
  return edit.mask.depth == 0 || edit.mask.rows == 0 || edit.mask.cols == 0;
}

// Clears the components that `mark` does not mark.
template <typename Mark>
Kept keep_marked(const MaskEdit& edit, Stream stream, ComponentsMemory& memory, Mark mark) {
  if (empty(edit)) return {0, 0, 0};
  const Search search{edit.mask, edit.connectivity, stream};
  const std::uint32_t count = find_components(search, memory);
  std::uint8_t* marks = memory.marks.reserve(count);
  clear_on_device(marks, count, stream);
  clear_kept(memory.counts.data(), stream);
  mark(Marks{memory.tallies.data(), marks, memory.counts.data()}, count);
  for_each_pixel(stream, edit.mask.depth * edit.mask.rows, edit.mask.cols,
                 KeepMarked{cells_of(search, false, memory), marks, edit.out});
  const ComponentCounts found = fetch_counts(stream, memory);
  return {found.kept, count - found.kept, found.kept_pixels};
}

// Marks the root of every background component that reaches the border.
struct MarkOutside {
  Cells cells;
  std::uint8_t* marks;  // by cell
  int planar;

  struct Row {
    const MarkOutside& args;
    int z, y;

    __device__ void operator()(int x) const {
      const Cells& cells = args.cells;
      const auto& mask = cells.mask;
      const bool end_slice = !args.planar && (z == 0 || z == mask.depth - 1);
      const bool border = end_slice || y == 0 || y == mask.rows - 1 || x == 0 || x == mask.cols - 1;
      if (border && cells.has(z, y, x)) args.marks[cells.parent[cells.of_pixel(z, y, x)]] = 1;
    }
  };

  __device__ Row row(int y) const { return {*this, y / cells.mask.rows, y % cells.mask.rows}; }
};

__global__ void count_holes(Cells cells, const std::uint8_t* marks, ComponentCounts* counts) {
  const std::size_t i = thread_index();
  if (i < cells.count() && cells.parent[i] == i && !marks[i]) atomicAdd(&counts->components, 1u);
}

// A pixel of a hole looks left for the foreground. In place, it may find one of its own hole that
// is filled already, with the value that it looks for.
struct FillHoles {
  Cells cells;
  const std::uint8_t* marks;
  View3D<std::uint8_t> out;

  struct Row {
    const FillHoles& args;
    int z, y;

    __device__ void operator()(int x) const {
      const Cells& cells = args.cells;
      const std::uint8_t* pixels = cells.mask.row(z, y);
      std::uint8_t value = load(pixels + x);
      if (value == 0 && !args.marks[cells.parent[cells.of_pixel(z, y, x)]])
        for (int left = x; value == 0;) value = load(pixels + --left);
      args.out.row(z, y)[x] = value;
    }
  };

  __device__ Row row(int y) const { return {*this, y / out.rows, y % out.rows}; }
};

}  // namespace

Kept remove_small(const MaskEdit& edit, std::int64_t min_pixels, Stream stream,
                  ComponentsMemory& memory) {
  return keep_marked(edit, stream, memory, [=](const Marks& marks, std::uint32_t count) {
    launch(stream, grid_for(count), mark_large, marks, min_pixels);
  });
}

void remove_small(const MaskEdit& edit, std::int64_t min_pixels, Stream stream,
                  ComponentsMemory& memory, std::int64_t* counts) {
  if (empty(edit)) return clear_on_device(counts, 3 * sizeof *counts, stream);
  const Search search{edit.mask, edit.connectivity, stream};
  find_all_components(search, memory);
  const Cells cells = cells_of(search, false, memory);
  const std::size_t room = most_components(cells);
  ComponentCounts* const found = memory.counts.data();
  const Marks marks{memory.tallies.data(), memory.marks.reserve(room), found};
  clear_kept(found, stream);
  launch(stream, grid_for(room), mark_large, marks, min_pixels);
  for_each_pixel(stream, edit.mask.depth * edit.mask.rows, edit.mask.cols,
                 KeepMarked{cells, marks.marks, edit.out});
  launch(stream, grid_for(1), write_counts, found, counts);
}

Kept keep_largest(const MaskEdit& edit, std::uint32_t keep, Stream stream,
                  ComponentsMemory& memory) {
  return keep_marked(edit, stream, memory, [=](const Marks& marks, std::uint32_t count) {
    const std::uint32_t most = keep < count ? keep : count;
    if (most > 0) launch(stream, grid_for(1), mark_largest, marks, count, most);
  });
}

std::uint32_t fill_holes(const MaskEdit& edit, Stream stream, ComponentsMemory& memory) {
  if (empty(edit)) return 0;
  const Cells cells = cells_of({edit.mask, background_connectivity(edit), stream}, true, memory);
  const int rows = edit.mask.depth * edit.mask.rows;
  std::uint8_t* marks = memory.marks.reserve(cells.count());
  ComponentCounts* counts = memory.counts.reserve(1);
  join(cells, stream);
  clear_on_device(marks, cells.count(), stream);
  clear_on_device(counts, sizeof *counts, stream);
  for_each_pixel(stream, rows, edit.mask.cols, MarkOutside{cells, marks, edit.planar});
  launch(stream, grid_for(cells.count()), count_holes, cells, marks, counts);
  for_each_pixel(stream, rows, edit.mask.cols, FillHoles{cells, marks, edit.out});
  return fetch_counts(stream, memory).components;
}

}  // namespace angio::cuda
