// A binary image of one bit per pixel.
#pragma once

#include "core/view.h"

namespace angio {

constexpr int kPixelsPerWord = 64;

// Bit i of word w of a row is pixel 64 w + i. The word before and after each row, and the row
// before and after the image, can be read and are zero.
struct BitImage {
  std::uint64_t* bits;  // of the first row
  int rows;
  int words;
  std::ptrdiff_t pitch;  // in words

  std::uint64_t* row(int y) const { return bits + y * pitch; }
};

// Sets the bits of a row's non-zero pixels, and clears all others; true where there is one.
bool pack_row(const std::uint8_t* pixels, int count, std::uint64_t* words);

}  // namespace angio
