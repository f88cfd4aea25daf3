// From a detector's frame to a network's input in one pass: invert, subtract the mask, resize,
// window, normalise.
#pragma once

#include "core/taps.h"
#include "core/target.h"
#include "core/view.h"

namespace angio {

// What a pixel f with mask pixel m is worth.
enum class Value {
  native,      // f
  native_log,  // log(f + 1)
  linear,      // f - m
  log          // log(f + 1) - log(m + 1)
};

// output = (value - low) * scale, clipped to [0, 1] if so wished, then times gain plus bias.
struct Window {
  float low;
  float scale;
  float floor;
  float ceiling;
  float gain;
  float bias;
  // Where low, high and 1 / (high - low) lie on the device, which then count; else null.
  const double* found;
};

template <typename T>
struct Subtract {
  View2D<const T> frame;
  View2D<const T> mask;  // of the frame's size, not read for a native value
  View2D<float> output;
  Value value;
  bool inverted;  // f and m become white - f and white - m, not below 0
  int white;
  float shift_rows;  // of the mask before it is subtracted; repeats its edge pixels
  float shift_cols;
  Resize resize;
  Window window;
};

template <Target, typename T>
void subtract_on(Stream stream, const Subtract<T>& args);

template <typename T>
void subtract(Device device, Stream stream, const Subtract<T>& args) {
  dispatch(device, [&](auto target) { subtract_on<target()>(stream, args); });
}

}  // namespace angio
