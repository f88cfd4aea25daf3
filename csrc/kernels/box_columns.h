// Boxes by column, so that one box meets many at full register width.
#pragma once

#include <cstdint>

namespace angio {

template <int D>
struct Box {
  float low[D];
  float high[D];
  float measure;        // area or volume
  std::int32_t class_;  // boxes of different classes do not overlap
};

template <int D>
struct BoxColumns {
  float* low[D];
  float* high[D];
  float* measure;
  std::int32_t* class_;  // null where all boxes are of one class

  Box<D> at(int i) const {
    Box<D> box{};
    for (int axis = 0; axis < D; ++axis) {
      box.low[axis] = low[axis][i];
      box.high[axis] = high[axis][i];
    }
    box.measure = measure[i];
    box.class_ = class_ ? class_[i] : 0;
    return box;
  }

  void put(int i, const Box<D>& box) const {
    for (int axis = 0; axis < D; ++axis) {
      low[axis][i] = box.low[axis];
      high[axis][i] = box.high[axis];
    }
    measure[i] = box.measure;
    if (class_) class_[i] = box.class_;
  }
};

}  // namespace angio
