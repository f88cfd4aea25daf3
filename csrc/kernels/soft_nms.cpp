#include "kernels/soft_nms.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/box_sweep.h"

namespace angio {
namespace {

constexpr float kGone = -1.0f;
constexpr int kPicksPerCompaction = 32;

void refuse_negative(const BoxList& list, const std::vector<std::int32_t>& order) {
  for (const auto i : order)
    if (list.scores[i] < 0.0f)
      throw std::invalid_argument("scores must not be negative where they decay, got " +
                                  std::to_string(list.scores[i]) + " at " + std::to_string(i) +
                                  "; pass probabilities, not logits");
}

// The best score; of equals, the one that came first.
int best_of(const float* scores, int count) {
  int best = 0;
  for (int i = 1; i < count; ++i)
    if (scores[i] > scores[best]) best = i;
  return best;
}

void decay(const SoftNmsRule& rule, const float* iou, float* scores, int count) {
  if (rule.decay == Decay::linear) {
    for (int i = 0; i < count; ++i) scores[i] *= iou[i] > rule.iou_threshold ? 1.0f - iou[i] : 1.0f;
    return;
  }
  for (int i = 0; i < count; ++i)
    if (iou[i] > 0.0f) scores[i] *= std::exp(-(iou[i] * iou[i]) / rule.sigma);
}

// Closes the gaps of boxes whose score can no longer be picked; returns how many are left.
template <int D>
int compact(const BoxColumns<D>& boxes, BoxScratch& scratch, int count, float score_threshold) {
  int free = 0;
  for (int i = 0; i < count; ++i) {
    if (!(scratch.scores[i] > score_threshold)) continue;
    boxes.put(free, boxes.at(i));
    scratch.scores[free] = scratch.scores[i];
    scratch.order[free++] = scratch.order[i];
  }
  return free;
}

}  // namespace

template <int D>
int soft_nms(const BoxList& list, const SoftNmsRule& rule, BoxScratch& scratch, std::int64_t* kept,
             float* kept_scores) {
  order_by_score<D>(list, rule.invalid, scratch);
  refuse_negative(list, scratch.order);
  std::sort(scratch.order.begin(), scratch.order.end());  // of equal scores, the lower index first
  const BoxColumns<D> boxes = gather<D>(list, scratch);
  int count = int(scratch.order.size());
  scratch.scores.resize(count);
  scratch.iou.resize(count);
  for (int i = 0; i < count; ++i) scratch.scores[i] = list.scores[scratch.order[i]];
  const float floor = std::max(rule.score_threshold, 0.0f);
  for (int picked = 0;;) {
    if (picked % kPicksPerCompaction == 0) count = compact(boxes, scratch, count, floor);
    if (count == 0 || picked == rule.max_kept) return picked;
    const int best = best_of(scratch.scores.data(), count);
    if (!(scratch.scores[best] > floor)) return picked;
    kept[picked] = scratch.order[best];
    kept_scores[picked++] = scratch.scores[best];
    scratch.scores[best] = kGone;
    box_overlaps<D>({boxes, boxes.at(best), count, scratch.iou.data()});
    decay(rule, scratch.iou.data(), scratch.scores.data(), count);
  }
}

template int soft_nms<2>(const BoxList&, const SoftNmsRule&, BoxScratch&, std::int64_t*, float*);
template int soft_nms<3>(const BoxList&, const SoftNmsRule&, BoxScratch&, std::int64_t*, float*);

}  // namespace angio
