// Connected components of binary images and volumes: labels, statistics, and editing by component.
//
// Run-based union-find in one pass over the mask (He, Chao, Suzuki: A run-based two-scan labeling
// algorithm, IEEE Trans. Image Process. 17(5), 2008), over bands of rows where diagonals touch.
#pragma once

#include <cstdint>

#include "kernels/run_forest.h"
#include "kernels/tally.h"

namespace angio {

struct ValueTally {
  double sum;
  float highest;
  float unused;  // else the device's answer would hold bytes that nobody wrote
};

// Memory that is reused from mask to mask, and the statistics of the mask seen last.
struct ComponentsWorkspace {
  RunForest forest;
  Buffer<std::uint32_t> label_of_root;  // 0: none yet
  Buffer<Tally> tallies;                // by component
  Buffer<ValueTally> values;            // by component, where values were given
  Buffer<std::uint8_t> marks;           // by component, or by root of a background component
  Buffer<std::uint32_t> order;          // of the components, largest first
};

// Finds the components and their statistics; returns how many there are. They are numbered from 1
// by their first pixel in raster order.
std::uint32_t find_components(const View3D<const std::uint8_t>& mask, Connectivity connectivity,
                              ComponentsWorkspace& workspace);

// After find_components: tallies the values of every component. A NaN stays.
template <typename T>
void tally_values(const View3D<const T>& values, std::uint32_t count,
                  ComponentsWorkspace& workspace);

// After find_components: writes the label of every pixel, 0 in the background.
void paint_labels(const View3D<std::uint32_t>& labels, const ComponentsWorkspace& workspace);

// What editing a mask starts from; `out` may be the mask itself.
struct MaskEdit {
  View3D<const std::uint8_t> mask;
  View3D<std::uint8_t> out;
  Connectivity connectivity;  // of the foreground
  bool planar;                // an image, not a volume of one slice
};

// Of the background: a line of one separates the regions of the other.
inline Connectivity background_connectivity(const MaskEdit& edit) {
  if (edit.planar) return edit.connectivity == 8 ? 4 : 8;
  return edit.connectivity == 6 ? 26 : 6;
}

// What stayed of a mask, and how many components did not.
struct Kept {
  std::uint32_t count, removed;
  std::int64_t pixels;
};

Kept remove_small(const MaskEdit& edit, std::int64_t min_pixels, ComponentsWorkspace& workspace);
Kept keep_largest(const MaskEdit& edit, std::uint32_t keep, ComponentsWorkspace& workspace);
// Components of the background that do not reach the border take the value of the pixel to their
// left. Returns how many.
std::uint32_t fill_holes(const MaskEdit& edit, ComponentsWorkspace& workspace);

}  // namespace angio
