#include "kernels/bit_image.h"

#include <algorithm>

#include "core/pixel_bits.h"

namespace angio {

bool pack_row(const std::uint8_t* pixels, int count, std::uint64_t* words) {
  std::uint64_t any = 0;
  for (int x = 0; x < count; x += kPixelsPerWord) {
    std::uint8_t last[kPixelsPerWord] = {};
    const bool whole = x + kPixelsPerWord <= count;
    if (!whole) std::copy(pixels + x, pixels + count, last);
    words[x / kPixelsPerWord] = pixel_bits(whole ? pixels + x : last);
    any |= words[x / kPixelsPerWord];
  }
  return any != 0;
}

}  // namespace angio
