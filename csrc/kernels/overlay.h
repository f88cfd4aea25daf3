// A frame as the reader sees it, with labels in colour: window, gray, blend in one pass.
#pragma once

#include <cstdint>

#include "core/target.h"
#include "core/view.h"

namespace angio {

// A label's pixels are blended with its colour: colour 3 * ((label - 1) % colour_count) and the two
// that follow it. Outlined, only those with another label within `outline` pixels along a row or
// column are.
template <typename T, typename Label>
struct Overlay {
  View2D<const T> frame;
  View2D<const Label> labels;  // of the frame's size, 0 and below is nothing
  View2D<std::uint8_t> rgb;    // of the frame's size, cols counts pixels, pitch bytes
  float low;
  float scale;  // gray = (value - low) * scale, rounded, within 0..255
  const std::uint8_t* colours;
  int colour_count;
  int alpha;    // 0..256
  int outline;  // 0 fills
};

template <Target, typename T, typename Label>
void overlay_on(Stream stream, const Overlay<T, Label>& args);

template <typename T, typename Label>
void overlay(Device device, Stream stream, const Overlay<T, Label>& args) {
  dispatch(device, [&](auto target) { overlay_on<target()>(stream, args); });
}

}  // namespace angio
