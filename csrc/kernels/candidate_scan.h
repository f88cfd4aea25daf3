// Which of many values are above a threshold; hardly any are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/target.h"

namespace angio {

struct CandidateScan {
  const float* values;
  std::ptrdiff_t step;  // in elements
  int count;
  float threshold;
  std::int32_t* found;  // (count,)
};

// Fills `found` with the places of values above the threshold, ascending, and returns their number.
// NaN is above nothing.
template <Target>
int candidate_scan_on(const CandidateScan&);

inline int candidate_scan(const CandidateScan& args) {
  return dispatch_cpu([&](auto target) { return candidate_scan_on<target()>(args); });
}

}  // namespace angio
