// Greedy non-maximum suppression of 2-D and 3-D boxes.
#pragma once

#include "kernels/box_list.h"

namespace angio {

struct NmsRule {
  float iou_threshold;  // a box falls where intersection > iou_threshold * union with a kept one
  float min_distance;   // or where their centres are closer than this
  int max_kept;
  InvalidBoxes invalid;
};

// Writes the indices of the kept boxes, score descending, then index ascending, and returns their
// number; `kept` holds at least min(list.size(), max_kept).
template <int D>
int nms(const BoxList& list, const NmsRule& rule, BoxScratch& scratch, std::int64_t* kept);

}  // namespace angio
