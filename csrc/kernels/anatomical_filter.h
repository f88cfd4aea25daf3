// The anatomical region of every candidate, and whether it may lie there.
#pragma once

#include <cstdint>

#include "core/view.h"

namespace angio {

enum class RegionReason : std::uint8_t {
  kept = 0,
  outside_volume = 1,    // none of its voxels lies in the volume
  outside_regions = 2,   // none of its voxels carries a region
  small_overlap = 3,     // too small a part of it lies in regions
  excluded_region = 4,   // its region is not an allowed one
  invalid_candidate = 5  // not finite, high < low, or larger than any image
};

// A candidate's extent: the voxels whose centres lie within margin_mm of its box, and the voxel
// that holds the box's centre.
struct AnatomicalFilter {
  View2D<const float> candidates;      // (n, 6) boxes [low, high] or (n, 3) points, (z, y, x)
  View3D<const std::uint8_t> regions;  // 0 is no region
  double spacing_mm[3];
  double units_per_voxel[3];  // of the candidates: 1, or the spacing where they are in mm
  double margin_mm;
  float min_overlap;
  const std::uint8_t* allowed;  // (256,)
  int flat;                     // a frame: regions has one plane, candidates have no z
};

struct FilteredCandidates {
  std::uint8_t* kept;
  std::uint8_t* region;
  std::uint8_t* reason;
  float* overlap;
};

void anatomical_filter(const AnatomicalFilter& args, const FilteredCandidates& out);

}  // namespace angio
