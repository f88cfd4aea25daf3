// What a box is, which box comes first, and when two meet: the same on every target. Included by
// .cpp and .cu files only, once per target.
#pragma once

#include "core/logarithm.h"
#include "kernels/box_columns.h"

namespace angio {
namespace {

static inline ANGIO_HD bool is_finite(float x) { return x - x == 0.0f; }

// A row of [low corner, high corner].
template <int D>
ANGIO_HD Box<D> box_of(const float* row, std::int32_t class_) {
  Box<D> box{};
  box.measure = 1.0f;
  for (int axis = 0; axis < D; ++axis) {
    box.low[axis] = row[axis];
    box.high[axis] = row[D + axis];
    box.measure *= row[D + axis] - row[axis];
  }
  box.class_ = class_;
  return box;
}

template <int D>
ANGIO_HD bool valid(const Box<D>& box, float score) {
  bool ok = is_finite(score) && box.measure > 0.0f && is_finite(2.0f * box.measure);
  for (int axis = 0; axis < D; ++axis)
    ok = ok && is_finite(box.low[axis]) && is_finite(box.high[axis]) &&
         box.low[axis] < box.high[axis];
  return ok;
}

// The upper half that sorts a score descending; the lower half is free for an index.
static inline ANGIO_HD std::uint64_t score_key(float score) {
  const auto bits = std::uint32_t(as_int(score + 0.0f));  // no negative zero
  const std::uint32_t ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return std::uint64_t(~ascending) << 32;
}

template <int D>
struct Meeting {
  Box<D> one;
  float iou_threshold;
  float square_of_distance;  // of twice the centres

  ANGIO_HD float intersection(const float* low, const float* high) const {
    float product = 1.0f;
    for (int axis = 0; axis < D; ++axis) {
      const float end = one.high[axis] < high[axis] ? one.high[axis] : high[axis];
      const float begin = one.low[axis] > low[axis] ? one.low[axis] : low[axis];
      const float side = end - begin;
      product *= side > 0.0f ? side : 0.0f;
    }
    return product;
  }

  ANGIO_HD bool close(const float* low, const float* high) const {
    float sum = 0.0f;
    for (int axis = 0; axis < D; ++axis) {
      const float step = (one.low[axis] + one.high[axis]) - (low[axis] + high[axis]);
      sum += step * step;
    }
    return sum < square_of_distance;
  }

  // Whether the other one's shared part with this box is too much of their union.
  ANGIO_HD bool overlaps(float shared, float measure) const {
    return shared > iou_threshold * (one.measure + measure - shared);
  }
};

}  // namespace
}  // namespace angio
