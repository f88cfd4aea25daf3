// From a network's logits to a mask of another size: interpolate and compare in one pass.
#pragma once

#include <cstdint>

#include "core/target.h"
#include "core/view.h"

namespace angio {

// mask = interpolated logit >= level ? 1 : 0; bilinear between pixel centres, edges repeated.
struct Threshold {
  View2D<const float> logits;
  View2D<std::uint8_t> mask;
  float level;
};

// Returns how many pixels were set.
template <Target>
std::int64_t threshold_on(const Threshold& args);

inline std::int64_t threshold(const Threshold& args) {
  return dispatch_cpu([&](auto target) { return threshold_on<target()>(args); });
}

}  // namespace angio
