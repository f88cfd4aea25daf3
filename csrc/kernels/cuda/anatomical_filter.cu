#include "core/launch.h"
#include "kernels/anatomical_extent.h"
#include "kernels/cuda/anatomical_filter.h"

namespace angio::cuda {
namespace {

struct VoteShared {
  Extent extent;
  int valid;
  std::int64_t voxels;  // of the extent, inside the volume or not
  std::int64_t of_region[256];
};

// The bit of every allowed region.
struct Allowed {
  std::uint32_t bits[8];

  __device__ bool has(int region) const { return bits[region / 32] >> region % 32 & 1; }
};

// Label maps are constant over long stretches: equal neighbours are counted at once.
__device__ void count_row(const std::uint8_t* labels, int begin, int end, VoteShared& shared) {
  for (int x = begin; x < end;) {
    const int from = x;
    for (++x; x < end && labels[x] == labels[from];) ++x;
    atomic_add(&shared.of_region[labels[from]], x - from);
  }
}

// The rows of the extent, one per thread.
__device__ void vote(const AnatomicalFilter& args, VoteShared& shared) {
  const Extent& extent = shared.extent;
  const auto& regions = args.regions;
  const int rows = extent.end[1] - extent.begin[1];
  const int all = rows * (extent.end[0] - extent.begin[0]);
  std::int64_t voxels = 0;
  for (int i = int(threadIdx.x); i < all; i += int(kBlock)) {
    const int z = extent.begin[0] + i / rows, y = extent.begin[1] + i % rows;
    int span[2];
    row_span(args, extent, z, y, span);
    voxels += span[1] - span[0];
    if (z < 0 || z >= regions.depth || y < 0 || y >= regions.rows) continue;
    count_row(regions.row(z, y), higher(span[0], 0), lower(span[1], regions.cols), shared);
  }
  atomic_add(&shared.voxels, voxels);
}

__device__ void answer(const AnatomicalFilter& args, const Allowed& allowed,
                       const VoteShared& shared, int i, const FilteredCandidates& out) {
  std::int64_t in_regions = 0;
  int majority = 1;  // the lowest of equals
  for (int region = 1; region < 256; ++region) {
    in_regions += shared.of_region[region];
    if (shared.of_region[region] > shared.of_region[majority]) majority = region;
  }
  RegionReason reason = RegionReason::invalid_candidate;
  float overlap = 0.0f;
  if (shared.valid) {
    overlap = float(double(in_regions) / double(shared.voxels));
    reason =
        judge(args, {in_regions + shared.of_region[0], in_regions, allowed.has(majority)}, overlap);
  }
  out.overlap[i] = overlap;
  out.region[i] = std::uint8_t(in_regions > 0 ? majority : 0);
  out.reason[i] = std::uint8_t(reason);
  out.kept[i] = reason == RegionReason::kept;
}

// A block takes one candidate after the other.
__global__ void filter(AnatomicalFilter args, Allowed allowed, FilteredCandidates out) {
  ANGIO_SHARED(VoteShared, shared);
  for (int i = int(blockIdx.x); i < args.candidates.rows; i += int(gridDim.x)) {
    shared.of_region[threadIdx.x] = 0;
    if (threadIdx.x == 0) {
      shared.voxels = 0;
      shared.valid = find_extent(args, i, shared.extent);
    }
    __syncthreads();
    if (shared.valid) vote(args, shared);
    __syncthreads();
    if (threadIdx.x == 0) answer(args, allowed, shared, i, out);
    __syncthreads();
  }
}

}  // namespace

void anatomical_filter(const AnatomicalFilter& args, Stream stream, const FilteredCandidates& out) {
  if (args.candidates.rows == 0) return;
  static_assert(kBlock == 256, "a thread per region clears the votes");
  Allowed allowed{};
  for (int region = 0; region < 256; ++region)
    if (args.allowed[region]) allowed.bits[region / 32] |= 1u << region % 32;
  AnatomicalFilter on_device = args;
  on_device.allowed = nullptr;
  const unsigned blocks = args.candidates.rows < 65535 ? unsigned(args.candidates.rows) : 65535u;
  launch(stream, Grid{dim3(blocks), dim3(kBlock)}, filter, on_device, allowed, out);
}

}  // namespace angio::cuda
