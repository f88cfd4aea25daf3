// Exact percentiles: of integers by a histogram, of floats by selecting on their ordered bits.
#pragma once

#include <cstdint>
#include <vector>

#include "core/view.h"

namespace angio {

// Scratch that is kept between calls, so that a call allocates nothing once it is warm.
struct PercentileWorkspace {
  std::vector<std::uint32_t> counts;  // all zero between calls
  std::vector<std::uint32_t> sums;
  std::vector<std::uint32_t> keys;
  std::vector<std::uint32_t> subset;
};

// The q-th percentiles (0..100) of the pixels whose `valid` is not 0 (all, where its data is null);
// between two ranks they are interpolated, NaN where there is no pixel.
template <typename T>
struct Percentiles {
  View2D<const T> pixels;
  View2D<const std::uint8_t> valid;
  const double* q;
  int count;
  double* values;
};

// Returns how many pixels were used; floats that are not finite are not.
template <typename T>
std::int64_t percentiles(const Percentiles<T>& args, PercentileWorkspace& workspace);

}  // namespace angio
