#include "kernels/centreline.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/column_distance.h"
#include "kernels/thinning.h"

namespace angio {
namespace {

struct Rectangle {
  int top;
  int left;
  int rows;
  int cols;
};

Thinning make_room(const View2D<const std::uint8_t>& mask, CentrelineScratch& scratch) {
  const int words = (mask.cols + kPixelsPerWord - 1) / kPixelsPerWord;
  const std::ptrdiff_t pitch = words + 1;  // the zero after a row is the zero before the next one
  const std::size_t size = std::size_t(mask.rows + 2) * pitch + 1;
  scratch.bits.assign(size, 0);
  if (scratch.doomed.size() < size) scratch.doomed.resize(size);
  scratch.waiting.assign(2 * std::size_t(mask.rows + 2), 0);
  Thinning thinning{};
  thinning.image = {scratch.bits.data() + pitch + 1, mask.rows, words, pitch};
  thinning.doomed = scratch.doomed.data() + pitch + 1;
  thinning.waiting[0] = scratch.waiting.data() + 1;
  thinning.waiting[1] = thinning.waiting[0] + mask.rows + 2;
  return thinning;
}

// Calls f(row, column) for every pixel set, row by row.
template <typename F>
void for_each_set(const BitImage& image, F f) {
  for (int y = 0; y < image.rows; ++y)
    for (int w = 0; w < image.words; ++w)
      for (std::uint64_t word = image.row(y)[w]; word; word &= word - 1)
        f(y, w * kPixelsPerWord + __builtin_ctzll(word));
}

// Packs the mask and returns the words' bounding box in pixels, one pixel more on each side where
// the image has one: there the background lies that bounds the mask.
Rectangle load(const View2D<const std::uint8_t>& mask, const Thinning& thinning) {
  int top = mask.rows, bottom = 0, left = thinning.image.words, right = 0;
  for (int y = 0; y < mask.rows; ++y) {
    std::uint64_t* row = thinning.image.row(y);
    if (!pack_row(mask.row(y), mask.cols, row)) continue;
    thinning.waiting[0][y] = thinning.waiting[1][y] = 1;
    top = std::min(top, y);
    bottom = y + 1;
    for (int w = 0; w < left; ++w)
      if (row[w]) left = w;
    for (int w = thinning.image.words; w > right; --w)
      if (row[w - 1]) right = w;
  }
  if (top >= bottom) return {};
  top = std::max(top - 1, 0);
  left = std::max(left * kPixelsPerWord - 1, 0);
  return {top, left, std::min(bottom + 1, mask.rows) - top,
          std::min(right * kPixelsPerWord + 1, mask.cols) - left};
}

// Meijster's decomposition, read outwards from the one pixel asked for: the nearest background of
// a column lies at its column distance, and columns farther than the best so far cannot matter.
float radius_at(const View2D<std::uint16_t>& distance, int row, int column,
                const Centreline& spacing) {
  const std::uint16_t* here = distance.row(row);
  double best = std::numeric_limits<double>::infinity();
  for (int step = 0; step < distance.cols; ++step) {
    const double across = step * spacing.column_spacing * (step * spacing.column_spacing);
    if (across >= best) break;
    std::uint16_t nearest = kNoBackground;
    if (column >= step) nearest = here[column - step];
    if (column + step < distance.cols) nearest = std::min(nearest, here[column + step]);
    if (nearest == kNoBackground) continue;
    const double along = nearest * spacing.row_spacing;
    best = std::min(best, across + along * along);
  }
  return float(std::sqrt(best));
}

void clear(const View2D<std::uint8_t>& image) {
  for (int y = 0; y < image.rows; ++y) std::fill_n(image.row(y), image.cols, std::uint8_t(0));
}

}  // namespace

void centreline(const Centreline& args, CentrelineScratch& scratch) {
  scratch.points.clear();
  scratch.radius.clear();
  const Thinning thinning = make_room(args.mask, scratch);
  const Rectangle area = load(args.mask, thinning);
  if (scratch.distance.size() < std::size_t(area.rows) * area.cols)
    scratch.distance.resize(std::size_t(area.rows) * area.cols);
  const View2D<std::uint16_t> distance{scratch.distance.data(), area.rows, area.cols, area.cols};
  const std::uint8_t* corner = args.mask.row(area.top) + area.left;
  column_distance({{corner, area.rows, area.cols, args.mask.pitch}, distance});
  thin(thinning);
  clear(args.skeleton);
  for_each_set(thinning.image, [&](int row, int column) {
    args.skeleton.row(row)[column] = 1;
    scratch.points.push_back(row);
    scratch.points.push_back(column);
    scratch.radius.push_back(radius_at(distance, row - area.top, column - area.left, args));
  });
}

}  // namespace angio
