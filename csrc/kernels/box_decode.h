// From a detection head's logits and offsets to boxes.
#pragma once

#include "core/view.h"
#include "kernels/box_list.h"

namespace angio {

// A head's output as it lies in memory: component k of anchor (group, cell) is
// data[group * group_step + k * component_step + cell * cell_step].
struct HeadView {
  const float* data;
  int groups;
  int components;
  int cells;
  std::ptrdiff_t group_step;
  std::ptrdiff_t component_step;
  std::ptrdiff_t cell_step;

  ANGIO_HD float at(int group, int component, int cell) const {
    return data[group * group_step + component * component_step + cell * cell_step];
  }
};

struct DecodeRule {
  float logit_threshold;  // a candidate's logit is above it
  int top;                // at most so many, the best ones
  float max_log_size;     // offsets of size are clamped to it
  bool clipped;           // to the image, whose size along each axis is `extent`
  double extent[3];
};

struct DecodedBoxes {
  View2D<float> boxes;
  float* scores;
  std::int64_t* indices;  // group * cells + cell
};

// `anchors` are (groups * cells) rows of [centre, size]; `logits` has one component; `offsets` has
// 2 D components, or D + 1 where one size is shared by all axes. Writes at most rule.top boxes,
// logit descending, then index ascending, and returns their number. Boxes that are empty after
// clipping or not finite are left out.
template <int D>
int decode_boxes(View2D<const float> anchors, const HeadView& offsets, const HeadView& logits,
                 const DecodeRule& rule, BoxScratch& scratch, const DecodedBoxes& out);

}  // namespace angio
