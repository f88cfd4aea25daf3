#include "kernels/box_list.h"

#include <stdexcept>

#include "kernels/box_rules.h"

namespace angio {
namespace {

constexpr int kDigitBits = 11;
constexpr int kDigits = 1 << kDigitBits;

template <typename T>
T* room(std::vector<T>& memory, std::size_t size) {
  if (memory.size() < size) memory.resize(size);
  return memory.data();
}

}  // namespace

template <int D>
BoxColumns<D> BoxScratch::boxes(int capacity, bool with_classes) {
  float* column = room(columns, std::size_t(capacity) * (2 * D + 1));
  BoxColumns<D> result{};
  for (int axis = 0; axis < D; ++axis, column += 2 * std::ptrdiff_t(capacity)) {
    result.low[axis] = column;
    result.high[axis] = column + capacity;
  }
  result.measure = column;
  result.class_ = with_classes ? room(classes, capacity) : nullptr;
  return result;
}

template <int D>
void refuse(const Box<D>& box, float score, int index) {
  std::string low, high;
  for (int axis = 0; axis < D; ++axis) {
    low += (axis ? ", " : "") + std::to_string(box.low[axis]);
    high += ", " + std::to_string(box.high[axis]);
  }
  throw std::invalid_argument(
      "boxes must be finite, with low < high along each axis, and have finite scores, got box " +
      std::to_string(index) + " [" + low + high + "] with score " + std::to_string(score) +
      "; correct it, or have such boxes dropped with invalid=\"drop\"");
}

template <int D>
Box<D> box_at(const BoxList& list, int i) {
  return box_of<D>(list.boxes.row(i), list.classes ? list.classes[i] : 0);
}

std::uint64_t descending_key(float score) { return score_key(score); }

void sort_by_upper_half(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& spare) {
  spare.resize(keys.size());
  for (int shift = 32; shift < 64; shift += kDigitBits) {
    std::size_t starts[kDigits] = {};
    for (const auto key : keys) ++starts[(key >> shift) & (kDigits - 1)];
    std::size_t start = 0;
    for (auto& count : starts) {
      const std::size_t next = start + count;
      count = start;
      start = next;
    }
    for (const auto key : keys) spare[starts[(key >> shift) & (kDigits - 1)]++] = key;
    keys.swap(spare);
  }
}

template <int D>
void order_by_score(const BoxList& list, InvalidBoxes invalid, BoxScratch& scratch) {
  scratch.keys.clear();
  for (int i = 0; i < list.size(); ++i) {
    const Box<D> box = box_at<D>(list, i);
    if (valid(box, list.scores[i]))
      scratch.keys.push_back(descending_key(list.scores[i]) | std::uint32_t(i));
    else if (invalid == InvalidBoxes::refuse)
      refuse(box, list.scores[i], i);
  }
  sort_by_upper_half(scratch.keys, scratch.spare_keys);
  scratch.order.resize(scratch.keys.size());
  for (std::size_t i = 0; i < scratch.keys.size(); ++i)
    scratch.order[i] = std::int32_t(scratch.keys[i] & 0xffffffffu);
}

template <int D>
BoxColumns<D> gather(const BoxList& list, BoxScratch& scratch) {
  const auto columns = scratch.boxes<D>(int(scratch.order.size()), list.classes != nullptr);
  int place = 0;
  for (const auto index : scratch.order) columns.put(place++, box_at<D>(list, index));
  return columns;
}

template BoxColumns<2> BoxScratch::boxes<2>(int, bool);
template BoxColumns<3> BoxScratch::boxes<3>(int, bool);
template void refuse<2>(const Box<2>&, float, int);
template void refuse<3>(const Box<3>&, float, int);
template Box<2> box_at<2>(const BoxList&, int);
template Box<3> box_at<3>(const BoxList&, int);
template void order_by_score<2>(const BoxList&, InvalidBoxes, BoxScratch&);
template void order_by_score<3>(const BoxList&, InvalidBoxes, BoxScratch&);
template BoxColumns<2> gather<2>(const BoxList&, BoxScratch&);
template BoxColumns<3> gather<3>(const BoxList&, BoxScratch&);

}  // namespace angio
