// Which source pixels one output pixel of a resize is made of, along one axis.
#pragma once

#include <cstdint>

#include "core/device.h"

namespace angio {

// nearest takes one pixel; linear interpolates between pixel centres, as cv2.INTER_LINEAR does;
// area averages what a pixel covers, as cv2.INTER_AREA does, and is linear where the axis grows.
enum class Resize { nearest, linear, area };

struct Axis {
  int source;
  int output;
  Resize resize;  // never area where the axis grows, see make_axis
};

static inline Axis make_axis(int source, int output, Resize resize) {
  return {source, output, resize == Resize::area && output > source ? Resize::linear : resize};
}

// Pixels first..first+count-1; all but the first and the last weigh 1.
struct Taps {
  int first;
  int count;
  float first_weight;
  float last_weight;
};

static inline ANGIO_HD Taps area_taps(std::int64_t source, std::int64_t output, int i) {
  const std::int64_t begin = i * source, end = begin + source;
  const int first = static_cast<int>(begin / output);
  const int last = static_cast<int>((end - 1) / output);
  const float head = static_cast<float>(output - begin % output) / static_cast<float>(output);
  const float tail = static_cast<float>((end - 1) % output + 1) / static_cast<float>(output);
  return {first, last - first + 1, head, tail};
}

static inline ANGIO_HD Taps linear_taps(std::int64_t source, std::int64_t output, int i) {
  const std::int64_t centre = (2 * i + 1) * source - output;  // in half output pixels
  if (centre <= 0) return {0, 1, 1.0f, 1.0f};
  const int first = static_cast<int>(centre / (2 * output));
  const std::int64_t beyond = centre % (2 * output);
  if (beyond == 0 || first == source - 1) return {first, 1, 1.0f, 1.0f};
  const float part = static_cast<float>(beyond) / static_cast<float>(2 * output);
  return {first, 2, 1.0f - part, part};
}

static inline ANGIO_HD Taps taps(const Axis& axis, int i) {
  const std::int64_t source = axis.source, output = axis.output;
  if (axis.resize == Resize::area) return area_taps(source, output, i);
  if (axis.resize == Resize::linear) return linear_taps(source, output, i);
  return {static_cast<int>((2 * i + 1) * source / (2 * output)), 1, 1.0f, 1.0f};
}

// What the weights of one output pixel add up to.
static inline double total_weight(const Axis& axis) {
  return axis.resize == Resize::area ? static_cast<double>(axis.source) / axis.output : 1.0;
}

}  // namespace angio
