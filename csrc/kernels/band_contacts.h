// Which runs of neighbouring bands touch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/runs.h"
#include "kernels/union_find.h"

namespace angio {

// Pixels that touch: 4 or 8 in an image (a volume of depth 1), 6, 18 or 26 in a volume.
using Connectivity = int;

// The bands that suit a connectivity.
Bands cut_into_bands(int depth, int rows, int cols, Connectivity connectivity);

// Unites the runs of neighbouring bands that touch.
void unite_touching(const BandedRuns& runs, Connectivity connectivity, const UnionFind& sets);

}  // namespace angio
