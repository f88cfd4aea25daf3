// The two loops in which one box meets many.
#pragma once

#include "core/target.h"
#include "kernels/box_columns.h"

namespace angio {

// Greedy non-maximum suppression of boxes sorted by score. The columns are consumed: they are
// compacted while boxes fall.
template <int D>
struct BoxSweep {
  BoxColumns<D> boxes;
  std::int32_t* order;       // (count,) where each box came from, compacted with the columns
  std::int32_t* suppressed;  // (count,) scratch
  int count;
  int max_kept;
  float iou_threshold;  // suppressed where intersection > iou_threshold * union
  float min_distance;   // and where the centres are closer than this
  std::int64_t* kept;
};

// Returns the number of boxes kept.
template <Target, int D>
int box_sweep_on(const BoxSweep<D>&);

template <int D>
int box_sweep(const BoxSweep<D>& args) {
  return dispatch_cpu([&](auto target) { return box_sweep_on<target()>(args); });
}

// Intersection over union of one box with the first `count` boxes of a list.
template <int D>
struct BoxOverlaps {
  BoxColumns<D> boxes;
  Box<D> box;
  int count;
  float* iou;  // (count,), 0 between classes
};

template <Target, int D>
void box_overlaps_on(const BoxOverlaps<D>&);

template <int D>
void box_overlaps(const BoxOverlaps<D>& args) {
  dispatch_cpu([&](auto target) { box_overlaps_on<target()>(args); });
}

}  // namespace angio
