// Which ranks a percentile lies between, and how floats are ordered by their bits; the same on
// every device. Included by .cpp and .cu files only.
#pragma once

#include <limits>

#include "kernels/percentile.h"

namespace angio {
namespace {

// numpy.percentile's linear interpolation between ranks, with its rounding.
static inline ANGIO_HD double interpolate(double a, double b, double t) {
  const double step = b - a;
  return t >= 0.5 ? b - step * (1.0 - t) : a + step * t;
}

// The rank below a percentile of `used` values, and how far beyond it.
static inline ANGIO_HD double position_of(double percent, std::int64_t used) {
  return percent / 100.0 * static_cast<double>(used - 1);
}

// Asks at_rank for the rank below, then the rank above, of every percentile in turn.
template <typename T, typename AtRank>
void fill_values(const Percentiles<T>& args, std::int64_t used, AtRank at_rank) {
  for (int i = 0; i < args.count; ++i) {
    args.values[i] = std::numeric_limits<double>::quiet_NaN();
    if (used == 0) continue;
    const double position = position_of(args.q[i], used);
    const auto rank = static_cast<std::int64_t>(position);
    const double below = at_rank(rank);
    const double above = at_rank(rank + 1 < used ? rank + 1 : used - 1);
    args.values[i] = interpolate(below, above, position - static_cast<double>(rank));
  }
}

// Unsigned integers in the order of the floats they stand for.
static inline ANGIO_HD std::uint32_t key_of(std::uint32_t bits) {
  return bits ^ ((bits >> 31) != 0 ? 0xffffffffu : 0x80000000u);
}

static inline ANGIO_HD std::uint32_t bits_of(std::uint32_t key) {
  return key ^ ((key >> 31) != 0 ? 0x80000000u : 0xffffffffu);
}

}  // namespace
}  // namespace angio
