// Soft non-maximum suppression: overlapping boxes lose score instead of falling at once.
#pragma once

#include "kernels/box_list.h"

namespace angio {

enum class Decay {
  linear,    // score *= 1 - iou, where iou > iou_threshold
  gaussian,  // score *= exp(-iou^2 / sigma)
};

struct SoftNmsRule {
  Decay decay;
  float iou_threshold;
  float sigma;
  float score_threshold;  // boxes end here once the best score left is not above it
  int max_kept;
  InvalidBoxes invalid;
};

// Writes the indices and the decayed scores of the kept boxes, in the order they were picked, and
// returns their number. Scores must not be negative (std::invalid_argument).
template <int D>
int soft_nms(const BoxList& list, const SoftNmsRule& rule, BoxScratch& scratch, std::int64_t* kept,
             float* kept_scores);

}  // namespace angio
