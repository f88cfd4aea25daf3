// Which voxels a candidate is made of, and what their votes mean; the same on every device.
// Included by .cpp and .cu files only.
#pragma once

#include <cmath>

#include "kernels/anatomical_filter.h"

namespace angio {
namespace {

constexpr double kFarthest = 1 << 20;  // voxels; no image is that large
constexpr double kMostRows = 1 << 24;  // of one candidate's extent
constexpr double kTolerance = 1e-4;    // voxels; 0.3 mm reaches three voxels of 0.1 mm

struct Extent {
  double low[3];
  double high[3];
  int centre[3];  // the voxel that holds the box's centre
  int begin[3];   // voxels that the margin can reach
  int end[3];
};

static inline ANGIO_HD int lower(int one, int other) { return one < other ? one : other; }
static inline ANGIO_HD int higher(int one, int other) { return one > other ? one : other; }
static inline ANGIO_HD int nearest(double position) { return int(floor(position + 0.5)); }

// How many voxels a distance reaches along an axis.
static inline ANGIO_HD double reach_of(double mm, double spacing_mm) {
  const double voxels = mm / spacing_mm;
  return voxels < kFarthest ? voxels : kFarthest;
}

// How far, in mm, a voxel lies from the extent's box along one axis.
static inline ANGIO_HD double gap_mm(const Extent& extent, int axis, int voxel, double spacing_mm) {
  const double before = extent.low[axis] - voxel, after = voxel - extent.high[axis];
  const double gap = before > after ? before : after;
  return (gap > 0.0 ? gap : 0.0) * spacing_mm;
}

// False where the candidate is none.
static inline ANGIO_HD bool find_extent(const AnatomicalFilter& args, int candidate,
                                        Extent& extent) {
  const float* row = args.candidates.row(candidate);
  const int axes = args.flat ? 2 : 3;
  const int to_high = args.candidates.cols == axes ? 0 : axes;
  extent = {};
  for (int axis = 0; axis < axes; ++axis) {
    const int place = args.flat ? axis + 1 : axis;
    const double low = row[axis] / args.units_per_voxel[place];
    const double high = row[to_high + axis] / args.units_per_voxel[place];
    if (!(low <= high && fabs(low) <= kFarthest && fabs(high) <= kFarthest)) return false;
    const double reach = reach_of(args.margin_mm, args.spacing_mm[place]);
    extent.low[place] = low - kTolerance;
    extent.high[place] = high + kTolerance;
    const int centre = nearest(0.5 * (low + high));
    extent.centre[place] = centre;
    extent.begin[place] = lower(int(ceil(extent.low[place] - reach)), centre);
    extent.end[place] = higher(int(floor(extent.high[place] + reach)), centre) + 1;
  }
  if (args.flat) extent.end[0] = 1;
  return double(extent.end[0] - extent.begin[0]) * (extent.end[1] - extent.begin[1]) <= kMostRows;
}

// The voxels [begin, end) of row (z, y) that belong to the extent.
static inline ANGIO_HD void row_span(const AnatomicalFilter& args, const Extent& extent, int z,
                                     int y, int span[2]) {
  const double dz = gap_mm(extent, 0, z, args.spacing_mm[0]);
  const double dy = gap_mm(extent, 1, y, args.spacing_mm[1]);
  const double left = args.margin_mm * args.margin_mm - dz * dz - dy * dy;
  span[0] = span[1] = 0;
  if (left >= 0.0) {
    const double reach = reach_of(sqrt(left), args.spacing_mm[2]);
    span[0] = int(ceil(extent.low[2] - reach));
    span[1] = higher(int(floor(extent.high[2] + reach)) + 1, span[0]);
  }
  if (z != extent.centre[0] || y != extent.centre[1]) return;
  const int centre = extent.centre[2];
  const bool empty = span[0] == span[1];
  span[0] = empty ? centre : lower(span[0], centre);
  span[1] = empty ? centre + 1 : higher(span[1], centre + 1);
}

// How a candidate's voxels voted.
struct Ballot {
  std::int64_t inside;      // the volume
  std::int64_t in_regions;  // of these
  bool allowed;             // the region of most of these
};

static inline ANGIO_HD RegionReason judge(const AnatomicalFilter& args, const Ballot& ballot,
                                          float overlap) {
  if (ballot.inside == 0) return RegionReason::outside_volume;
  if (ballot.in_regions == 0) return RegionReason::outside_regions;
  if (overlap < args.min_overlap) return RegionReason::small_overlap;
  if (!ballot.allowed) return RegionReason::excluded_region;
  return RegionReason::kept;
}

}  // namespace
}  // namespace angio
