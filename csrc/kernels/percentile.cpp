#include "kernels/percentile.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace angio {
namespace {

// numpy.percentile's linear interpolation between ranks, with its rounding.
double interpolate(double a, double b, double t) {
  const double step = b - a;
  return t >= 0.5 ? b - step * (1.0 - t) : a + step * t;
}

template <typename T, typename AtRank>
void fill_values(const Percentiles<T>& args, std::int64_t used, AtRank at_rank) {
  for (int i = 0; i < args.count; ++i) {
    args.values[i] = std::numeric_limits<double>::quiet_NaN();
    if (used == 0) continue;
    const double position = args.q[i] / 100.0 * static_cast<double>(used - 1);
    const auto rank = static_cast<std::int64_t>(position);
    const double below = at_rank(rank);
    const double above = at_rank(std::min(rank + 1, used - 1));
    args.values[i] = interpolate(below, above, position - static_cast<double>(rank));
  }
}

// Makes counts cumulative, so that the bin of a rank is the first that exceeds it.
void accumulate(std::uint32_t* counts, std::size_t bins) {
  for (std::size_t i = 1; i < bins; ++i) counts[i] += counts[i - 1];
}

std::size_t bin_of(const std::uint32_t* counts, std::size_t bins, std::int64_t rank) {
  return std::upper_bound(counts, counts + bins, static_cast<std::uint32_t>(rank)) - counts;
}

template <typename T>
T highest_bits(const View2D<const T>& pixels) {
  T bits = 0;
  for (int y = 0; y < pixels.rows; ++y) {
    const T* row = pixels.row(y);
    for (int x = 0; x < pixels.cols; ++x) bits |= row[x];
  }
  return bits;
}

// Four tables, because two increments of one counter in a row wait for each other.
template <typename T>
void count_row(const T* row, int cols, std::uint32_t* counts, std::size_t bins) {
  std::uint32_t* tables[4] = {counts, counts + bins, counts + 2 * bins, counts + 3 * bins};
  int x = 0;
  for (; x + 4 <= cols; x += 4)
    for (int k = 0; k < 4; ++k) ++tables[k][row[x + k]];
  for (; x < cols; ++x) ++counts[row[x]];
}

template <typename T>
void count_row(const T* row, const std::uint8_t* valid, int cols, std::uint32_t* counts,
               std::size_t bins) {
  for (int x = 0; x < cols; ++x) counts[(x & 3) * bins + row[x]] += valid[x] != 0;
}

template <typename T>
std::size_t histogram(const Percentiles<T>& args, std::vector<std::uint32_t>& counts) {
  const View2D<const T>& pixels = args.pixels;
  std::size_t bins = 256;
  for (const T bits = highest_bits(pixels); bins <= bits;) bins *= 2;
  counts.assign(4 * bins, 0);
  for (int y = 0; y < pixels.rows; ++y) {
    if (args.valid.data == nullptr)
      count_row(pixels.row(y), pixels.cols, counts.data(), bins);
    else
      count_row(pixels.row(y), args.valid.row(y), pixels.cols, counts.data(), bins);
  }
  for (std::size_t i = 0; i < bins; ++i)
    counts[i] += counts[bins + i] + counts[2 * bins + i] + counts[3 * bins + i];
  return bins;
}

// Unsigned integers in the order of the floats they stand for.
std::uint32_t key_of(std::uint32_t bits) {
  return bits ^ ((bits >> 31) != 0 ? 0xffffffffu : 0x80000000u);
}

double value_of(std::uint32_t key) {
  const std::uint32_t bits = key ^ ((key >> 31) != 0 ? 0x80000000u : 0xffffffffu);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::size_t collect_keys(const Percentiles<float>& args, std::vector<std::uint32_t>& keys) {
  const View2D<const float>& pixels = args.pixels;
  keys.resize(static_cast<std::size_t>(pixels.rows) * pixels.cols + 1);
  std::size_t used = 0;
  for (int y = 0; y < pixels.rows; ++y) {
    const float* row = pixels.row(y);
    const std::uint8_t* valid = args.valid.data == nullptr ? nullptr : args.valid.row(y);
    for (int x = 0; x < pixels.cols; ++x) {
      std::uint32_t bits;
      std::memcpy(&bits, row + x, sizeof bits);
      keys[used] = key_of(bits);
      const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
      used += finite && (valid == nullptr || valid[x] != 0);
    }
  }
  return used;
}

// Finds keys by rank in three steps of 12, 10 and 10 bits; neighbouring ranks share their steps.
class Selector {
 public:
  Selector(std::size_t used, PercentileWorkspace& workspace)
      : keys_(workspace.keys.data()), used_(used), workspace_(workspace) {
    workspace.counts.assign(4 * kHigh + 2 * kLow, 0);
    workspace.subset.resize(std::max(workspace.subset.size(), used + 1));
    high_ = workspace.counts.data();
    middle_ = high_ + 4 * kHigh;
    low_ = middle_ + kLow;
    for (std::size_t i = 0; i < used; ++i) ++high_[(i & 3) * kHigh + (keys_[i] >> 20)];
    for (std::size_t i = 0; i < kHigh; ++i)
      high_[i] += high_[kHigh + i] + high_[2 * kHigh + i] + high_[3 * kHigh + i];
    accumulate(high_, kHigh);
  }

  double at(std::int64_t rank) {
    const std::size_t high = bin_of(high_, kHigh, rank);
    if (high != high_bin_) enter(high);
    if (high > 0) rank -= high_[high - 1];
    const std::size_t middle = bin_of(middle_, kLow, rank);
    if (middle != middle_bin_) enter_middle(middle);
    if (middle > 0) rank -= middle_[middle - 1];
    const std::size_t low = bin_of(low_, kLow, rank);
    return value_of(static_cast<std::uint32_t>(high << 20 | middle << 10 | low));
  }

 private:
  static constexpr std::size_t kHigh = 1 << 12, kLow = 1 << 10, kNone = ~std::size_t{0};

  void enter(std::size_t high) {
    std::uint32_t* subset = workspace_.subset.data();
    subset_size_ = 0;
    for (std::size_t i = 0; i < used_; ++i) {
      subset[subset_size_] = keys_[i];
      subset_size_ += keys_[i] >> 20 == high;
    }
    std::fill(middle_, middle_ + kLow, 0u);
    for (std::size_t i = 0; i < subset_size_; ++i) ++middle_[subset[i] >> 10 & (kLow - 1)];
    accumulate(middle_, kLow);
    high_bin_ = high;
    middle_bin_ = kNone;
  }

  void enter_middle(std::size_t middle) {
    const std::uint32_t* subset = workspace_.subset.data();
    std::fill(low_, low_ + kLow, 0u);
    for (std::size_t i = 0; i < subset_size_; ++i)
      low_[subset[i] & (kLow - 1)] += (subset[i] >> 10 & (kLow - 1)) == middle;
    accumulate(low_, kLow);
    middle_bin_ = middle;
  }

  const std::uint32_t* keys_;
  std::size_t used_;
  PercentileWorkspace& workspace_;
  std::uint32_t* high_;
  std::uint32_t* middle_;
  std::uint32_t* low_;
  std::size_t subset_size_ = 0;
  std::size_t high_bin_ = kNone;
  std::size_t middle_bin_ = kNone;
};

}  // namespace

template <typename T>
std::int64_t percentiles(const Percentiles<T>& args, PercentileWorkspace& workspace) {
  const std::size_t bins = histogram(args, workspace.counts);
  const std::uint32_t* counts = workspace.counts.data();
  accumulate(workspace.counts.data(), bins);
  const std::int64_t used = counts[bins - 1];
  fill_values(args, used,
              [&](std::int64_t rank) { return static_cast<double>(bin_of(counts, bins, rank)); });
  return used;
}

template <>
std::int64_t percentiles(const Percentiles<float>& args, PercentileWorkspace& workspace) {
  const std::size_t used = collect_keys(args, workspace.keys);
  Selector selector(used, workspace);
  fill_values(args, static_cast<std::int64_t>(used),
              [&](std::int64_t rank) { return selector.at(rank); });
  return static_cast<std::int64_t>(used);
}

template std::int64_t percentiles(const Percentiles<std::uint8_t>&, PercentileWorkspace&);
template std::int64_t percentiles(const Percentiles<std::uint16_t>&, PercentileWorkspace&);

}  // namespace angio
