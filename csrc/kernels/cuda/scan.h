// What the threads of one block find out together. Included by .cu files only.
#pragma once

#include "core/launch.h"

namespace angio::cuda {
namespace {

struct ScanShared {
  std::uint32_t sums[kBlock];
};

// The sum of the values of this thread and those before it in the block; all kBlock threads call
// it. shared.sums[kBlock - 1] is the sum of all, until the next call.
__device__ inline std::uint32_t sum_up_to_here(ScanShared& shared, std::uint32_t value) {
  const unsigned t = threadIdx.x;
  __syncthreads();  // who still reads the sums of the call before
  shared.sums[t] = value;
  __syncthreads();
  for (unsigned step = 1; step < kBlock; step *= 2) {
    const std::uint32_t before = t >= step ? shared.sums[t - step] : 0;
    __syncthreads();
    shared.sums[t] += before;
    __syncthreads();
  }
  return shared.sums[t];
}

struct SelectShared {
  std::uint32_t histogram[256];
  std::uint64_t prefix;
  std::uint32_t left;
};

// The `wanted`-th smallest (from 1) of `count` different keys, byte by byte; a block calls it.
template <typename KeyAt>
__device__ std::uint64_t nth_smallest(SelectShared& shared, std::uint32_t count,
                                      std::uint32_t wanted, KeyAt key_at) {
  if (threadIdx.x == 0) shared.left = wanted;
  std::uint64_t prefix = 0;
  for (int shift = 56; shift >= 0; shift -= 8) {
    for (unsigned bin = threadIdx.x; bin < 256; bin += blockDim.x) shared.histogram[bin] = 0;
    __syncthreads();
    for (std::uint32_t i = threadIdx.x; i < count; i += blockDim.x) {
      const std::uint64_t key = key_at(i);
      if (shift == 56 || key >> (shift + 8) == prefix)
        atomicAdd(&shared.histogram[key >> shift & 255], 1u);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      std::uint32_t bin = 0;
      for (; shared.histogram[bin] < shared.left; ++bin) shared.left -= shared.histogram[bin];
      shared.prefix = prefix << 8 | bin;
    }
    __syncthreads();
    prefix = shared.prefix;
  }
  return prefix;
}

}  // namespace
}  // namespace angio::cuda
