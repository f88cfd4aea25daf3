// Which class each voxel most likely is.
#pragma once

#include <cstdint>

#include "core/target.h"
#include "core/view.h"

namespace angio {

// label = the class with the highest score, the first of equals; NaN counts as minus infinity. A
// volume comes as one tall image per class.
struct BestClass {
  View3D<const float> scores;  // (classes, rows, columns), at least one class and at most 256
  View2D<std::uint8_t> labels;
};

template <Target>
void best_class_on(Stream stream, const BestClass& args);

inline void best_class(Device device, Stream stream, const BestClass& args) {
  dispatch(device, [&](auto target) { best_class_on<target()>(stream, args); });
}

}  // namespace angio
