// Running minimum over the frames of a run: what the contrast agent has ever darkened.
#pragma once

#include "core/target.h"
#include "core/view.h"

namespace angio {

// lowest = min(lowest, frame), pixel by pixel; both have the same size.
template <typename T>
struct MinProjection {
  View2D<const T> frame;
  View2D<T> lowest;
};

template <Target, typename T>
void min_projection_on(Stream stream, const MinProjection<T>& args);

template <typename T>
void min_projection(Device device, Stream stream, const MinProjection<T>& args) {
  dispatch(device, [&](auto target) { min_projection_on<target()>(stream, args); });
}

}  // namespace angio
