// What one source pixel is worth to `subtract`; included by subtract.cu only, once per target.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/logarithm.h"
#include "kernels/subtract.h"

namespace angio {
namespace {

template <bool inverted>
ANGIO_HD int stored(int pixel, int white) {
  if (!inverted) return pixel;
  return pixel > white ? 0 : white - pixel;
}

// Pixels 2x and 2x + 1 of a row, in an order that depends on the machine. A CPU reads both at once:
// the even and the odd pixels of a register would have to be sorted apart otherwise.
template <typename T>
struct Pair {
  int one, other;

  ANGIO_HD Pair(const T* row, int x) {
#ifdef __CUDA_ARCH__
    one = row[2 * x];
    other = row[2 * x + 1];
#else
    std::conditional_t<sizeof(T) == 1, std::uint16_t, std::uint32_t> both;
    __builtin_memcpy(&both, row + 2 * x, sizeof both);
    one = static_cast<T>(both);
    other = static_cast<int>(both >> (8 * sizeof(T)));
#endif
  }
};

constexpr ANGIO_HD bool has_mask(Value value) {
  return value == Value::linear || value == Value::log;
}

// One logarithm of a quotient is both quicker and closer than two logarithms.
template <Value value>
ANGIO_HD float combine(float frame, float mask) {
  if (value == Value::native) return frame;
  if (value == Value::native_log) return logarithm(frame + 1.0f);
  if (value == Value::linear) return frame - mask;
  return logarithm((frame + 1.0f) / (mask + 1.0f));
}

ANGIO_HD inline float windowed(const Window& window, float value) {
  float out = (value - window.low) * window.scale;
  out = out < window.floor ? window.floor : out;
  out = out > window.ceiling ? window.ceiling : out;
  return out * window.gain + window.bias;
}

// The window with the numbers that only the device knows.
ANGIO_HD inline Window known(Window window) {
  if (window.found != nullptr) {
    window.low = static_cast<float>(window.found[0]);
    window.scale = static_cast<float>(window.found[2]);
  }
  return window;
}

// Whole pixels to go from a pixel of the frame to its pixel in the mask, and the part beyond.
struct Offset {
  int whole;
  float part;
};

inline Offset offset_of(float shift, int extent) {
  const float limit = static_cast<float>(extent) + 1.0f;  // beyond, there is only the edge
  float offset = -shift;
  offset = offset < -limit ? -limit : (offset > limit ? limit : offset);
  int whole = static_cast<int>(offset);
  if (static_cast<float>(whole) > offset) --whole;
  return {whole, offset - static_cast<float>(whole)};
}

ANGIO_HD inline int clamped(int i, int extent) {
  return i < 0 ? 0 : (i >= extent ? extent - 1 : i);
}

ANGIO_HD inline float between(float a, float b, float part) { return a * (1.0f - part) + b * part; }

}  // namespace
}  // namespace angio
