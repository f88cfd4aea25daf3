// The box that a head's offsets make of an anchor, the same formula on every device; expf may
// differ in its last bits. Included by .cpp and .cu files only, once per target.
#pragma once

#include <cmath>

#include "kernels/box_decode.h"
#include "kernels/box_rules.h"

namespace angio {
namespace {

// A row of [low corner, high corner]; false where the box is empty or not finite.
template <int D>
ANGIO_HD bool decode(const float* anchor, const HeadView& offsets, std::size_t index,
                     const DecodeRule& rule, float* box) {
  const int group = int(index / offsets.cells), cell = int(index % offsets.cells);
  const bool shared_size = offsets.components == D + 1;
  for (int axis = 0; axis < D; ++axis) {
    const float size = anchor[D + axis];
    const float asked = offsets.at(group, shared_size ? D : D + axis, cell);
    const float log_size = rule.max_log_size < asked ? rule.max_log_size : asked;
    const float centre = anchor[axis] + offsets.at(group, axis, cell) * size;
    const float half = 0.5f * size * expf(log_size);
    float low = centre - half, high = centre + half;
    if (!is_finite(low) || !is_finite(high)) return false;
    if (rule.clipped) {
      const auto end = float(rule.extent[axis] - 0.5);
      low = low < -0.5f ? -0.5f : low;
      high = end < high ? end : high;
    }
    if (!(low < high)) return false;
    box[axis] = low;
    box[D + axis] = high;
  }
  return true;
}

}  // namespace
}  // namespace angio
