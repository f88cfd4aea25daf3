// A tile of a brain volume as a network sees it: windowed, on finer slices, placed in the head.
#pragma once

#include <cstdint>

#include "core/target.h"
#include "core/view.h"

namespace angio {

// Channels of the tile: SWI, 0 to 1 from `low` over `width`; phase, 0 to 1 for a whole turn around
// a half; and where there are five, the place of the voxel along z, y and x, -1 to 1 in the box.
// What is not brain, or not in the part, has no SWI and no phase. Places are at most 2^24 voxels
// from the volume's first along each axis, and slice_ratio is at most 64: ints hold all sums.
struct CutTile {
  View3D<const float> swi;           // the part of the volume that is there
  View3D<const float> phase;         // of the same shape, in radians
  View3D<const std::uint8_t> brain;  // of the same shape, not 0 inside
  View3D<float> tile;                // its first channel
  std::ptrdiff_t channel_step;       // from one channel to the next, in elements
  int channels;                      // 2 or 5
  int first[3];                      // of the part: its first voxel in the volume
  int origin[3];                     // of the tile: its first fine slice, row and column
  int slices;                        // the volume has so many fine slices
  double slice_ratio;                // slices of the volume per fine slice
  float low;
  float width;
  double box_first[3];
  double box_span[3];
};

template <Target>
void cut_tile_on(Stream stream, const CutTile& args);

inline void cut_tile(Device device, Stream stream, const CutTile& args) {
  dispatch(device, [&](auto target) { cut_tile_on<target()>(stream, args); });
}

}  // namespace angio
