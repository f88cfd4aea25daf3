// Distance of every pixel to the nearest background pixel of its column.
#pragma once

#include "core/target.h"
#include "core/view.h"

namespace angio {

constexpr std::uint16_t kNoBackground = 65535;

// In pixels, 0 on the background, kNoBackground where the column has none; fewer than 65535 rows.
struct ColumnDistance {
  View2D<const std::uint8_t> mask;
  View2D<std::uint16_t> distance;
};

template <Target>
void column_distance_on(const ColumnDistance&);

inline void column_distance(const ColumnDistance& args) {
  dispatch_cpu([&](auto target) { column_distance_on<target()>(args); });
}

}  // namespace angio
