#include "kernels/percentile.h"

#include <algorithm>
#include <cstring>

#include "kernels/percentile_ranks.h"

namespace angio {
namespace {

void accumulate(std::uint32_t* counts, std::size_t bins) {
  for (std::size_t i = 1; i < bins; ++i) counts[i] += counts[i - 1];
}

// The bin of a rank is the first whose cumulative count exceeds it.
std::size_t bin_of(const std::uint32_t* sums, std::size_t bins, std::int64_t rank) {
  return std::upper_bound(sums, sums + bins, static_cast<std::uint32_t>(rank)) - sums;
}

// Two tables, because two increments of one counter in a row wait for each other on some machines.
// They are all zero between calls, so that only what the pixels reach is ever cleared and read.
template <typename T>
class Histogram {
 public:
  explicit Histogram(PercentileWorkspace& workspace) : sums_(workspace.sums) {
    workspace.counts.resize(std::max(workspace.counts.size(), 2 * kStride));
    even_ = workspace.counts.data();
    odd_ = even_ + kStride;
  }

  void add(const T* row, const std::uint8_t* valid, int cols) {
    if (valid == nullptr) return add(row, cols);
    for (int x = 0; x < cols; ++x) {
      reached_ |= row[x];
      (x % 2 != 0 ? odd_ : even_)[row[x]] += valid[x] != 0;
    }
  }

  // How many pixels have at most each value.
  const std::vector<std::uint32_t>& cumulative() {
    std::size_t bins = 1;
    while (bins <= reached_) bins *= 2;
    sums_.resize(bins);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bins; ++i) sums_[i] = sum += even_[i] + odd_[i];
    std::fill(even_, even_ + bins, 0u);
    std::fill(odd_, odd_ + bins, 0u);
    return sums_;
  }

 private:
  static constexpr std::size_t kLevels = std::size_t{1} << 8 * sizeof(T);
  static constexpr std::size_t kStride = kLevels + 16 * 7;  // or equal bins would share cache sets

  void add(const T* row, int cols) {
    constexpr int kBlock = 8 / sizeof(T);
    std::uint32_t *even = even_, *odd = odd_;
    std::uint64_t reached = 0;
    int x = 0;
    for (; x + kBlock <= cols; x += kBlock) {
      std::uint64_t word;
      std::memcpy(&word, row + x, sizeof word);
      reached |= word;
      for (int k = 0; k < kBlock; ++k)
        ++(k % 2 != 0 ? odd : even)[static_cast<T>(word >> (8 * sizeof(T) * k))];
    }
    for (; x < cols; ++x) ++even[row[x]], reached |= row[x];
    for (int k = 0; k < kBlock; ++k) reached_ |= static_cast<T>(reached >> (8 * sizeof(T) * k));
  }

  std::vector<std::uint32_t>& sums_;
  std::uint32_t* even_;
  std::uint32_t* odd_;
  T reached_ = 0;  // every bit that a pixel has set
};

double value_of(std::uint32_t key) {
  const std::uint32_t bits = bits_of(key);
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
    workspace.sums.assign(4 * kHigh + 2 * kLow, 0);
    workspace.subset.resize(std::max(workspace.subset.size(), used + 1));
    high_ = workspace.sums.data();
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
  const View2D<const T>& pixels = args.pixels;
  Histogram<T> histogram(workspace);
  for (int y = 0; y < pixels.rows; ++y)
    histogram.add(pixels.row(y), args.valid.data == nullptr ? nullptr : args.valid.row(y),
                  pixels.cols);
  const std::vector<std::uint32_t>& sums = histogram.cumulative();
  const std::int64_t used = sums.back();
  fill_values(args, used, [&](std::int64_t rank) {
    return static_cast<double>(bin_of(sums.data(), sums.size(), rank));
  });
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
