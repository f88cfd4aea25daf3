#include "kernels/components.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

namespace angio {
namespace {

template <typename T>
void add_values(ValueTally& tally, const T* begin, const T* end) {
  for (; begin < end; ++begin) {
    const float value = float(*begin);
    tally.sum += value;
    if (value > tally.highest || value != value) tally.highest = value;
  }
}

void copy_rows(const MaskEdit& edit) {
  if (edit.out.data == edit.mask.data) return;
  for (int z = 0; z < edit.mask.depth; ++z)
    for (int y = 0; y < edit.mask.rows; ++y)
      std::memcpy(edit.out.row(z, y), edit.mask.row(z, y), edit.mask.cols);
}

// Clears the components that are not marked, of `count`.
Kept keep_marked(const MaskEdit& edit, std::uint32_t count, const ComponentsWorkspace& ws) {
  Kept kept{0, 0, 0};
  for (std::uint32_t i = 0; i < count; ++i) {
    kept.count += ws.marks[i];
    kept.pixels += ws.marks[i] ? ws.tallies[i].pixels : 0;
  }
  kept.removed = count - kept.count;
  copy_rows(edit);
  if (kept.removed == 0) return kept;
  ws.forest.for_each_stretch([&](int z, int y, int start, int stop, std::uint32_t run) {
    if (!ws.marks[ws.label_of_root[ws.forest.root(run)] - 1])
      std::memset(edit.out.row(z, y) + start, 0, stop - start);
  });
  return kept;
}

// Marks every component that reaches the border by its root.
void mark_outside(const MaskEdit& edit, ComponentsWorkspace& ws) {
  const auto& mask = edit.mask;
  ws.marks.reserve(ws.forest.runs());
  std::fill_n(ws.marks.data(), ws.forest.runs(), std::uint8_t(0));
  ws.forest.for_each_stretch([&](int z, int y, int start, int stop, std::uint32_t run) {
    const bool end_slice = !edit.planar && (z == 0 || z == mask.depth - 1);
    if (end_slice || y == 0 || y == mask.rows - 1 || start == 0 || stop == mask.cols)
      ws.marks[ws.forest.root(run)] = 1;
  });
}

// Numbers the components by their first pixel. The first run of one need not hold it: its band has
// rows below.
std::uint32_t number_components(ComponentsWorkspace& ws) {
  ws.label_of_root.reserve(ws.forest.runs());
  std::fill_n(ws.label_of_root.data(), ws.forest.runs(), 0u);
  std::uint32_t count = 0;
  ws.forest.for_each_run([&](int z, int y, std::size_t run) {
    std::uint32_t& label = ws.label_of_root[ws.forest.root(run)];
    if (label == 0 && ws.forest.reaches(z, y, run)) label = ++count;
  });
  return count;
}

}  // namespace

std::uint32_t find_components(const View3D<const std::uint8_t>& mask, Connectivity connectivity,
                              ComponentsWorkspace& ws) {
  ws.forest.build(mask, connectivity, false);
  const std::uint32_t count = number_components(ws);
  ws.tallies.reserve(count);
  const TallyRuns args{ws.forest.banded(), ws.forest.roots(), ws.label_of_root.data(),
                       ws.tallies.data(), count};
  dispatch_cpu([&](auto target) { tally_runs_on<target()>(args); });
  return count;
}

template <typename T>
void tally_values(const View3D<const T>& values, std::uint32_t count, ComponentsWorkspace& ws) {
  ws.values.reserve(count);
  std::fill_n(ws.values.data(), count,
              ValueTally{0.0, -std::numeric_limits<float>::infinity(), 0.0f});
  ws.forest.for_each_stretch([&](int z, int y, int start, int stop, std::uint32_t run) {
    const T* row = values.row(z, y);
    ValueTally& tally = ws.values[ws.label_of_root[ws.forest.root(run)] - 1];
    add_values(tally, row + start, row + stop);
  });
}

template void tally_values(const View3D<const float>&, std::uint32_t, ComponentsWorkspace&);
template void tally_values(const View3D<const std::uint8_t>&, std::uint32_t, ComponentsWorkspace&);

void paint_labels(const View3D<std::uint32_t>& labels, const ComponentsWorkspace& ws) {
  std::ptrdiff_t cleared = 0;  // rows; one at a time, so that it is painted while in the cache
  const auto clear_to = [&](std::ptrdiff_t end) {
    for (; cleared < end; ++cleared)
      std::memset(labels.row(int(cleared / labels.rows), int(cleared % labels.rows)), 0,
                  labels.cols * sizeof(std::uint32_t));
  };
  ws.forest.for_each_stretch([&](int z, int y, int start, int stop, std::uint32_t run) {
    clear_to(std::ptrdiff_t(z) * labels.rows + y + 1);
    std::uint32_t* row = labels.row(z, y);
    std::fill(row + start, row + stop, ws.label_of_root[ws.forest.root(run)]);
  });
  clear_to(std::ptrdiff_t(labels.depth) * labels.rows);
}

Kept remove_small(const MaskEdit& edit, std::int64_t min_pixels, ComponentsWorkspace& ws) {
  const std::uint32_t count = find_components(edit.mask, edit.connectivity, ws);
  ws.marks.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) ws.marks[i] = ws.tallies[i].pixels >= min_pixels;
  return keep_marked(edit, count, ws);
}

Kept keep_largest(const MaskEdit& edit, std::uint32_t keep, ComponentsWorkspace& ws) {
  const std::uint32_t count = find_components(edit.mask, edit.connectivity, ws);
  keep = std::min(keep, count);
  ws.order.reserve(count);
  std::iota(ws.order.data(), ws.order.data() + count, 0u);
  const auto larger = [&](std::uint32_t one, std::uint32_t other) {
    const std::int64_t difference = ws.tallies[one].pixels - ws.tallies[other].pixels;
    return difference != 0 ? difference > 0 : one < other;
  };
  std::nth_element(ws.order.data(), ws.order.data() + keep, ws.order.data() + count, larger);
  ws.marks.reserve(count);
  std::fill_n(ws.marks.data(), count, std::uint8_t(0));
  for (std::uint32_t i = 0; i < keep; ++i) ws.marks[ws.order[i]] = 1;
  return keep_marked(edit, count, ws);
}

std::uint32_t fill_holes(const MaskEdit& edit, ComponentsWorkspace& ws) {
  ws.forest.build(edit.mask, background_connectivity(edit), true);
  mark_outside(edit, ws);
  copy_rows(edit);
  std::uint32_t filled = 0;
  for (std::size_t run = 0; run < ws.forest.runs(); ++run)
    filled += ws.forest.root(run) == run && !ws.marks[run];
  if (filled == 0) return 0;
  ws.forest.for_each_stretch([&](int z, int y, int start, int stop, std::uint32_t run) {
    std::uint8_t* row = edit.out.row(z, y);
    if (!ws.marks[ws.forest.root(run)]) std::memset(row + start, row[start - 1], stop - start);
  });
  return filled;
}

}  // namespace angio
