#include "kernels/anatomical_filter.h"

#include <algorithm>
#include <cstring>

#include "kernels/anatomical_extent.h"

namespace angio {
namespace {

constexpr std::uint64_t kEveryByte = 0x0101010101010101u;

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

}  // namespace

void anatomical_filter(const AnatomicalFilter& args, const FilteredCandidates& out) {
  for (int i = 0; i < args.candidates.rows; ++i) {
    Extent extent;
    Votes votes;
    RegionReason reason = RegionReason::invalid_candidate;
    out.overlap[i] = 0.0f;
    if (find_extent(args, i, extent)) {
      vote(args, extent, votes);
      out.overlap[i] = float(double(votes.in_regions()) / double(votes.voxels));
      reason = judge(args, {votes.inside, votes.in_regions(), args.allowed[votes.majority()] != 0},
                     out.overlap[i]);
    }
    out.region[i] = votes.in_regions() > 0 ? votes.majority() : 0;
    out.reason[i] = std::uint8_t(reason);
    out.kept[i] = reason == RegionReason::kept;
  }
}

}  // namespace angio
