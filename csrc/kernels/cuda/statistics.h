// Numbers that describe a frame, on a CUDA device: the same values as on the CPU.
#pragma once

#include "core/device_memory.h"
#include "kernels/percentile.h"

namespace angio::cuda {

constexpr int kRanks = 8;  // that are looked for at a time, two for every percentage

// How much of the keys at these ranks is known.
struct RankSearch {
  std::uint32_t prefix[kRanks];  // their upper bytes
  std::uint32_t left[kRanks];    // their ranks among the keys of that prefix
  std::int32_t table[kRanks];    // whose histogram counts that prefix
  std::uint32_t used;
};

struct StatisticsMemory {
  DeviceMemory<std::uint32_t> histograms;
  DeviceMemory<RankSearch> search;
  DeviceMemory<std::int64_t> sum;
  PinnedMemory<RankSearch> found;
  PinnedMemory<std::int64_t> on_host;
};

// As on the CPU: histograms of one byte after the other, for all ranks at once. The pixels are
// device memory, percentages and values host memory.
template <typename T>
std::int64_t percentiles(const Percentiles<T>& args, Stream stream, StatisticsMemory& memory);

// Two percentages become a window where `window` lies in device memory: low, high and
// 1 / (high - low). Does not wait.
template <typename T>
void find_window(const Percentiles<T>& args, double* window, Stream stream,
                 StatisticsMemory& memory);

// The sum of |Laplacian| that noise_level is made of.
template <typename T>
std::int64_t laplacian_sum(const View2D<const T>& pixels, Stream stream, StatisticsMemory& memory);

}  // namespace angio::cuda
