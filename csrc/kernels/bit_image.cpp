#include "kernels/bit_image.h"

#include <algorithm>
#include <cstring>

namespace angio {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080u;

// Eight bytes to eight bits: the addition carries into the high bit of every byte that is not zero,
// and the product moves these bits beside each other in the uppermost byte.
std::uint64_t pack_eight(std::uint64_t bytes) {
  const std::uint64_t set = (((bytes & ~kHighBits) + ~kHighBits) | bytes) & kHighBits;
  return (set >> 7) * 0x0102040810204080u >> 56;
}

std::uint64_t pack_word(const std::uint8_t* pixels) {
  std::uint64_t bytes[8], any = 0, word = 0;
  std::memcpy(bytes, pixels, sizeof bytes);
  for (const auto eight : bytes) any |= eight;
  if (!any) return 0;
  for (int i = 0; i < 8; ++i) word |= pack_eight(bytes[i]) << 8 * i;
  return word;
}

}  // namespace

bool pack_row(const std::uint8_t* pixels, int count, std::uint64_t* words) {
  std::uint64_t any = 0;
  for (int x = 0; x < count; x += kPixelsPerWord) {
    std::uint8_t last[kPixelsPerWord] = {};
    const bool whole = x + kPixelsPerWord <= count;
    if (!whole) std::copy(pixels + x, pixels + count, last);
    words[x / kPixelsPerWord] = pack_word(whole ? pixels + x : last);
    any |= words[x / kPixelsPerWord];
  }
  return any != 0;
}

}  // namespace angio
