// How many bits of a word are set, without a call on processors that cannot be asked.
#pragma once

#include <cstdint>

namespace angio {

static inline int popcount(std::uint64_t bits) {
#if defined(__POPCNT__) || defined(__aarch64__)
  return __builtin_popcountll(bits);
#else
  bits -= bits >> 1 & 0x5555555555555555;
  bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
  bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return int(bits * 0x0101010101010101 >> 56);
#endif
}

}  // namespace angio
