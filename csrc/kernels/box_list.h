// A list of scored boxes: checked, ordered by score, and laid out by column.
#pragma once

#include <string>
#include <vector>

#include "core/view.h"
#include "kernels/box_columns.h"

namespace angio {

// Rows of [low corner, high corner], axes in the order of the image's.
struct BoxList {
  View2D<const float> boxes;
  const float* scores;
  const std::int32_t* classes;  // null where all are of one class

  ANGIO_HD int size() const { return boxes.rows; }
};

// What to do with an invalid box: a coordinate or score that is not finite, no extent along an
// axis, or an area or volume float32 cannot hold.
enum class InvalidBoxes { refuse, drop };

// Scratch memory that grows to the longest list it has met, and is then reused.
struct BoxScratch {
  std::vector<float> columns;
  std::vector<float> scores;
  std::vector<float> iou;
  std::vector<std::int32_t> classes;
  std::vector<std::int32_t> order;
  std::vector<std::int32_t> flags;
  std::vector<std::int32_t> found;
  std::vector<std::uint64_t> keys;
  std::vector<std::uint64_t> spare_keys;

  // `capacity` boxes; what their memory held before is lost.
  template <int D>
  BoxColumns<D> boxes(int capacity, bool with_classes);
};

// Fills scratch.order with the indices of the valid boxes: score descending, then index ascending.
// Throws std::invalid_argument naming the first invalid box, unless they are to be dropped.
template <int D>
void order_by_score(const BoxList& list, InvalidBoxes invalid, BoxScratch& scratch);

// The boxes in scratch.order, by column.
template <int D>
BoxColumns<D> gather(const BoxList& list, BoxScratch& scratch);

// Throws std::invalid_argument: what is wrong with box `index`, and what to do.
template <int D>
[[noreturn]] void refuse(const Box<D>& box, float score, int index);

template <int D>
Box<D> box_at(const BoxList& list, int i);

// Sorts keys ascending by their upper half, equal ones staying in place.
void sort_by_upper_half(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& spare);

// The upper half that sorts a score descending; the lower half is free for an index.
std::uint64_t descending_key(float score);

}  // namespace angio
