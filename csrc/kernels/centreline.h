// The centreline of a mask and the local radius along it.
#pragma once

#include <vector>

#include "core/view.h"

namespace angio {

struct Centreline {
  View2D<const std::uint8_t> mask;
  View2D<std::uint8_t> skeleton;  // may be the memory of the mask
  double row_spacing;
  double column_spacing;
};

// Memory that grows to the largest mask it has met and is then reused; it holds the last result.
struct CentrelineScratch {
  std::vector<std::uint64_t> bits;
  std::vector<std::uint64_t> doomed;
  std::vector<std::uint8_t> waiting;
  std::vector<std::uint16_t> distance;
  std::vector<std::int32_t> points;  // row, column, row, column, ...
  std::vector<float> radius;
};

// Writes the skeleton (0 or 1) and fills scratch.points, row by row, and scratch.radius: the exact
// Euclidean distance, in the unit of the spacings, from the pixel's centre to the centre of the
// nearest background pixel of the image; infinite where there is none.
void centreline(const Centreline& args, CentrelineScratch& scratch);

}  // namespace angio
