// Views of image and volume memory we do not own; pitches are in elements.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/device.h"

namespace angio {

template <typename T>
struct View2D {
  T* data;
  int rows;
  int cols;
  std::ptrdiff_t pitch;

  ANGIO_HD T* row(int y) const { return data + y * pitch; }
};

template <typename T>
struct View3D {
  T* data;
  int depth;
  int rows;
  int cols;
  std::ptrdiff_t plane;
  std::ptrdiff_t pitch;

  ANGIO_HD T* row(int z, int y) const { return data + z * plane + y * pitch; }
  View2D<T> slice(int z) const { return {data + z * plane, rows, cols, pitch}; }
};

}  // namespace angio
