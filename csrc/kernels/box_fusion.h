// Weighted box fusion: the boxes several networks found of one object become their mean.
#pragma once

#include "kernels/box_list.h"

namespace angio {

struct FusionRule {
  float iou_threshold;  // a box joins the cluster it overlaps most, if by more than this
  double total_weight;  // of all networks
  int networks;         // a cluster of fewer boxes loses score
  InvalidBoxes invalid;
};

struct FusedBoxes {
  View2D<float> boxes;
  float* scores;
  std::int32_t* classes;  // null where the list has none
  std::int32_t* members;  // how many boxes became one
};

// The list holds the boxes of all networks, each score times its network's weight. Returns the
// number of fused boxes, score descending; `fused` holds at least list.size().
template <int D>
int fuse_boxes(const BoxList& list, const FusionRule& rule, BoxScratch& scratch,
               const FusedBoxes& fused);

}  // namespace angio
