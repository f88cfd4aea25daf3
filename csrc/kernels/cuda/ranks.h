// The place of a key among others, without sorting them. Included by .cu files only.
#pragma once

#include "core/launch.h"

namespace angio::cuda {
namespace {

struct RankShared {
  std::uint64_t keys[kBlock];
};

// How many of `count` keys are smaller; all threads of a block of kBlock call it.
__device__ inline std::uint32_t rank_of(RankShared& shared, const std::uint64_t* keys,
                                        std::uint32_t count, std::uint64_t own) {
  std::uint32_t rank = 0;
  for (std::uint32_t begin = 0; begin < count; begin += kBlock) {
    const std::uint32_t i = begin + threadIdx.x;
    __syncthreads();
    shared.keys[threadIdx.x] = i < count ? keys[i] : ~std::uint64_t(0);
    __syncthreads();
    for (unsigned k = 0; k < kBlock; ++k) rank += shared.keys[k] < own;
  }
  return rank;
}

}  // namespace
}  // namespace angio::cuda
