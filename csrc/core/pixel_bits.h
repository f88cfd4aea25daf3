// 64 pixels become one word: bit x is set where pixel x is not zero.
//
// Intrinsics, because no compiler turns the plain loop into a mask compare; being static, each
// target keeps its own copy.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace angio {

#if defined(__AVX512BW__)
static inline std::uint64_t pixel_bits(const std::uint8_t* pixels) {
  const __m512i all = _mm512_loadu_si512(pixels);
  return _mm512_test_epi8_mask(all, all);
}
#elif defined(__AVX2__)
static inline std::uint64_t pixel_bits(const std::uint8_t* pixels) {
  const auto zeros = [&](int at) {
    const __m256i some = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pixels + at));
    return std::uint64_t(
        std::uint32_t(_mm256_movemask_epi8(_mm256_cmpeq_epi8(some, _mm256_setzero_si256()))));
  };
  return ~(zeros(0) | zeros(32) << 32);
}
#elif defined(__SSE2__)
static inline std::uint64_t pixel_bits(const std::uint8_t* pixels) {
  const auto zeros = [&](int at) {
    const __m128i some = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels + at));
    return std::uint64_t(_mm_movemask_epi8(_mm_cmpeq_epi8(some, _mm_setzero_si128())));
  };
  return ~(zeros(0) | zeros(16) << 16 | zeros(32) << 32 | zeros(48) << 48);
}
#else
// Eight pixels at a time on a little-endian machine: the top bit of a byte says it is not zero, and
// the multiplication gathers the eight top bits in the highest byte.
static inline std::uint64_t pixel_bits(const std::uint8_t* pixels) {
  constexpr std::uint64_t kLow = 0x7f7f7f7f7f7f7f7f;
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) {
    std::uint64_t eight;
    std::memcpy(&eight, pixels + 8 * i, 8);
    const std::uint64_t set = ((((eight & kLow) + kLow) | eight) & ~kLow) >> 7;
    bits |= (set * 0x0102040810204080 >> 56) << (8 * i);
  }
  return bits;
}
#endif

}  // namespace angio
