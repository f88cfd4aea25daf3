#include "kernels/box_decode.h"

#include <algorithm>
#include <cmath>

#include "kernels/box_of_anchor.h"
#include "kernels/candidate_scan.h"

namespace angio {
namespace {

void collect(const HeadView& logits, float threshold, BoxScratch& scratch) {
  scratch.keys.clear();
  if (scratch.found.size() < std::size_t(logits.cells)) scratch.found.resize(logits.cells);
  for (int group = 0; group < logits.groups; ++group) {
    const int found = candidate_scan({logits.data + group * logits.group_step, logits.cell_step,
                                      logits.cells, threshold, scratch.found.data()});
    for (int i = 0; i < found; ++i) {
      const std::uint32_t cell = scratch.found[i];
      scratch.keys.push_back(descending_key(logits.at(group, 0, cell)) |
                             (std::uint32_t(group) * logits.cells + cell));
    }
  }
}

// Keeps the best `top` keys, sorted. Keys differ, so the choice does not depend on the algorithm.
void best(std::size_t top, BoxScratch& scratch) {
  auto& keys = scratch.keys;
  if (keys.size() > top) {
    std::nth_element(keys.begin(), keys.begin() + std::ptrdiff_t(top), keys.end());
    keys.resize(top);
    std::sort(keys.begin(), keys.end());
    return;
  }
  sort_by_upper_half(keys, scratch.spare_keys);
}

}  // namespace

template <int D>
int decode_boxes(View2D<const float> anchors, const HeadView& offsets, const HeadView& logits,
                 const DecodeRule& rule, BoxScratch& scratch, const DecodedBoxes& out) {
  collect(logits, rule.logit_threshold, scratch);
  best(std::size_t(rule.top), scratch);
  int count = 0;
  for (const auto key : scratch.keys) {
    const std::int64_t index = key & 0xffffffffu;
    if (!decode<D>(anchors.row(int(index)), offsets, index, rule, out.boxes.row(count))) continue;
    const int group = int(index / logits.cells);
    const float logit = logits.at(group, 0, int(index % logits.cells));
    out.scores[count] = 1.0f / (1.0f + std::exp(-logit));
    out.indices[count++] = index;
  }
  return count;
}

template int decode_boxes<2>(View2D<const float>, const HeadView&, const HeadView&,
                             const DecodeRule&, BoxScratch&, const DecodedBoxes&);
template int decode_boxes<3>(View2D<const float>, const HeadView&, const HeadView&,
                             const DecodeRule&, BoxScratch&, const DecodedBoxes&);

}  // namespace angio
