// Size, bounding box and centroid of components, counted in the bits of their runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/target.h"
#include "kernels/runs.h"

namespace angio {

// What one component is made of; axes are z, y, x.
struct Tally {
  std::int64_t pixels;
  std::int64_t sum[3];  // of the pixels' positions
  int start[3], stop[3];
};

struct TallyRuns {
  BandedRuns runs;
  const std::uint32_t* roots;          // of each run
  const std::uint32_t* label_of_root;  // from 1
  Tally* tallies;                      // by label, from label 1
  std::uint32_t count;
};

template <Target>
void tally_runs_on(const TallyRuns& args);

}  // namespace angio
