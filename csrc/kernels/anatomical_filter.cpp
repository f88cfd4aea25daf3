#include "kernels/anatomical_filter.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace angio {
namespace {

constexpr double kFarthest = 1 << 20;  // voxels; no image is that large
constexpr double kMostRows = 1 << 24;  // of one candidate's extent
constexpr double kTolerance = 1e-4;    // voxels; 0.3 mm reaches three voxels of 0.1 mm
constexpr std::uint64_t kEveryByte = 0x0101010101010101u;

struct Extent {
  double low[3];
  double high[3];
  int centre[3];  // the voxel that holds the box's centre
  int begin[3];   // voxels that the margin can reach
  int end[3];
};

struct Votes {
  std::int64_t of_region[256] = {};
  std::int64_t voxels = 0;  // of the extent, inside the volume or not
  std::int64_t inside = 0;

  // Label maps are constant over long stretches, so equal voxels are counted eight at a time.
  void count(const std::uint8_t* labels, int n) {
    inside += n;
    int i = 0;
    for (; i + 8 <= n; i += 8) {
      std::uint64_t eight;
      std::memcpy(&eight, labels + i, 8);
      if (eight == kEveryByte * labels[i])
        of_region[labels[i]] += 8;
      else
        count_each(labels + i, 8);
    }
    count_each(labels + i, n - i);
  }

  void count_each(const std::uint8_t* labels, int n) {
    for (int i = 0; i < n; ++i) ++of_region[labels[i]];
  }

  std::int64_t in_regions() const { return inside - of_region[0]; }

  // The region most voxels lie in, the lowest of equals.
  std::uint8_t majority() const {
    return std::uint8_t(std::max_element(of_region + 1, of_region + 256) - of_region);
  }
};

int nearest(double position) { return int(std::floor(position + 0.5)); }

// How far, in mm, a voxel lies from the extent's box along one axis.
double gap_mm(const Extent& extent, int axis, int voxel, double spacing_mm) {
  const double gap = std::max({extent.low[axis] - voxel, voxel - extent.high[axis], 0.0});
  return gap * spacing_mm;
}

// False where the candidate is none.
bool read(const AnatomicalFilter& args, int candidate, Extent& extent) {
  const float* row = args.candidates.row(candidate);
  const int axes = args.flat ? 2 : 3;
  const int to_high = args.candidates.cols == axes ? 0 : axes;
  extent = {};
  for (int axis = 0; axis < axes; ++axis) {
    const int place = args.flat ? axis + 1 : axis;
    const double low = row[axis] / args.units_per_voxel[place];
    const double high = row[to_high + axis] / args.units_per_voxel[place];
    if (!(low <= high && std::abs(low) <= kFarthest && std::abs(high) <= kFarthest)) return false;
    const double reach = std::min(args.margin_mm / args.spacing_mm[place], kFarthest);
    extent.low[place] = low - kTolerance;
    extent.high[place] = high + kTolerance;
    const int centre = nearest(0.5 * (low + high));
    extent.centre[place] = centre;
    extent.begin[place] = std::min(int(std::ceil(extent.low[place] - reach)), centre);
    extent.end[place] = std::max(int(std::floor(extent.high[place] + reach)), centre) + 1;
  }
  if (args.flat) extent.end[0] = 1;
  return double(extent.end[0] - extent.begin[0]) * (extent.end[1] - extent.begin[1]) <= kMostRows;
}

// The voxels [begin, end) of row (z, y) that belong to the extent.
void row_span(const AnatomicalFilter& args, const Extent& extent, int z, int y, int span[2]) {
  const double dz = gap_mm(extent, 0, z, args.spacing_mm[0]);
  const double dy = gap_mm(extent, 1, y, args.spacing_mm[1]);
  const double left = args.margin_mm * args.margin_mm - dz * dz - dy * dy;
  span[0] = span[1] = 0;
  if (left >= 0.0) {
    const double reach = std::sqrt(left) / args.spacing_mm[2];
    span[0] = int(std::ceil(extent.low[2] - reach));
    span[1] = std::max(int(std::floor(extent.high[2] + reach)) + 1, span[0]);
  }
  if (z != extent.centre[0] || y != extent.centre[1]) return;
  const int centre = extent.centre[2];
  const bool empty = span[0] == span[1];
  span[0] = empty ? centre : std::min(span[0], centre);
  span[1] = empty ? centre + 1 : std::max(span[1], centre + 1);
}

void vote(const AnatomicalFilter& args, const Extent& extent, Votes& votes) {
  const auto& regions = args.regions;
  for (int z = extent.begin[0]; z < extent.end[0]; ++z) {
    for (int y = extent.begin[1]; y < extent.end[1]; ++y) {
      int span[2];
      row_span(args, extent, z, y, span);
      votes.voxels += span[1] - span[0];
      if (z < 0 || z >= regions.depth || y < 0 || y >= regions.rows) continue;
      const int begin = std::max(span[0], 0), end = std::min(span[1], regions.cols);
      if (begin < end) votes.count(regions.row(z, y) + begin, end - begin);
    }
  }
}

RegionReason judge(const AnatomicalFilter& args, const Votes& votes, float overlap) {
  if (votes.inside == 0) return RegionReason::outside_volume;
  if (votes.in_regions() == 0) return RegionReason::outside_regions;
  if (overlap < args.min_overlap) return RegionReason::small_overlap;
  if (!args.allowed[votes.majority()]) return RegionReason::excluded_region;
  return RegionReason::kept;
}

}  // namespace

void anatomical_filter(const AnatomicalFilter& args, const FilteredCandidates& out) {
  for (int i = 0; i < args.candidates.rows; ++i) {
    Extent extent;
    Votes votes;
    RegionReason reason = RegionReason::invalid_candidate;
    out.overlap[i] = 0.0f;
    if (read(args, i, extent)) {
      vote(args, extent, votes);
      out.overlap[i] = float(double(votes.in_regions()) / double(votes.voxels));
      reason = judge(args, votes, out.overlap[i]);
    }
    out.region[i] = votes.in_regions() > 0 ? votes.majority() : 0;
    out.reason[i] = std::uint8_t(reason);
    out.kept[i] = reason == RegionReason::kept;
  }
}

}  // namespace angio
