// The small images that `estimate_shift` works on; included by shift.cpp only, once per target.
#pragma once

#include <cstring>

#include "core/logarithm.h"
#include "core/view.h"
#include "kernels/shift_equations.h"

namespace angio {
namespace {

// Hands out the scratch from front to back.
struct Scratch {
  float* next;

  float* take(std::size_t count) {
    float* taken = next;
    next += count;
    return taken;
  }
  Plane plane(int rows, int cols) {
    return {take(static_cast<std::size_t>(rows) * cols), rows, cols};
  }
};

template <typename T>
void add_row(const T* __restrict row, int cols, std::uint32_t* __restrict sums) {
  for (int x = 0; x < cols; ++x) sums[x] += row[x];
}

void add_pairs(const std::uint32_t* sums, int count, std::uint32_t* out) {
#pragma GCC ivdep  // out may be sums: it is written behind what is read
  for (int x = 0; x < count; ++x) out[x] = sums[2 * x] + sums[2 * x + 1];
}

// Means of boxes.
template <typename T>
void average(const View2D<const T>& pixels, int box, std::uint32_t* sums, const Plane& out) {
  const float scale = 1.0f / static_cast<float>(box * box);
  for (int y = 0; y < out.rows; ++y) {
    memset(sums, 0, sizeof(std::uint32_t) * out.cols * box);
    for (int k = 0; k < box; ++k) add_row(pixels.row(y * box + k), out.cols * box, sums);
    for (int width = box / 2; width > 0; width /= 2) add_pairs(sums, out.cols * width, sums);
    float* __restrict row = out.row(y);
    for (int x = 0; x < out.cols; ++x) row[x] = static_cast<float>(sums[x]) * scale;
  }
}

double total(const float* values, int begin, int end) {
  double sum = 0.0;
  for (int i = begin; i < end; ++i) sum += values[i];
  return sum;
}

// Gives what is far darker than the rest the value of the rest: behind the shutter there is nothing
// that moves, and in the logarithm its edge would outweigh all anatomy.
void fill_shadow(const Plane& plane) {
  double sum = 0.0;
  for (int y = 0; y < plane.rows; ++y) sum += total(plane.row(y), 0, plane.cols);
  const float mean = static_cast<float>(sum / (static_cast<double>(plane.rows) * plane.cols));
  const float shadow = mean * kShadow;
  for (int y = 0; y < plane.rows; ++y) {
    float* row = plane.row(y);
    for (int x = 0; x < plane.cols; ++x) row[x] = row[x] < shadow ? mean : row[x];
  }
}

void take_logarithm(const Plane& plane) {
  for (int y = 0; y < plane.rows; ++y) {
    float* row = plane.row(y);
    for (int x = 0; x < plane.cols; ++x) row[x] = logarithm(row[x] + 1.0f);
  }
}

template <typename T>
void reduce(const View2D<const T>& pixels, int box, bool log, std::uint32_t* sums,
            const Plane& out) {
  average(pixels, box, sums, out);
  fill_shadow(out);
  if (log) take_logarithm(out);
}

void halve(const Plane& in, const Plane& out) {
  for (int y = 0; y < out.rows; ++y) {
    const float* __restrict a = in.row(2 * y), * __restrict b = in.row(2 * y + 1);
    float* __restrict row = out.row(y);
    for (int x = 0; x < out.cols; ++x)
      row[x] = ((a[2 * x] + a[2 * x + 1]) + (b[2 * x] + b[2 * x + 1])) * 0.25f;
  }
}

}  // namespace
}  // namespace angio
