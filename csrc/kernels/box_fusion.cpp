#include "kernels/box_fusion.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/box_sweep.h"

namespace angio {
namespace {

// A cluster's sums in double, so that its mean does not depend on how many boxes came before.
template <int D>
struct Cluster {
  double corners[2 * D];
  double score;
  std::int32_t members;

  void join(const Box<D>& box, float box_score) {
    for (int axis = 0; axis < D; ++axis) {
      corners[axis] += double(box_score) * box.low[axis];
      corners[D + axis] += double(box_score) * box.high[axis];
    }
    score += box_score;
    ++members;
  }

  Box<D> mean(std::int32_t class_) const {
    Box<D> box{};
    box.measure = 1.0f;
    box.class_ = class_;
    for (int axis = 0; axis < D; ++axis) {
      box.low[axis] = float(corners[axis] / score);
      box.high[axis] = float(corners[D + axis] / score);
      box.measure *= box.high[axis] - box.low[axis];
    }
    return box;
  }

  float fused_score(const FusionRule& rule) const {
    return float(score / members * std::min(members, rule.networks) / rule.total_weight);
  }
};

void refuse_not_positive(const BoxList& list, const std::vector<std::int32_t>& order) {
  for (const auto i : order)
    if (!(list.scores[i] > 0.0f))
      throw std::invalid_argument("scores must be positive where boxes are weighted by them, got " +
                                  std::to_string(list.scores[i]) + "; leave such boxes out");
}

// The cluster the box overlaps most, the older of equals; -1 where none overlaps enough.
int best_match(const float* iou, int count, float iou_threshold) {
  int best = -1;
  float most = iou_threshold;
  for (int i = 0; i < count; ++i) {
    if (iou[i] > most) {
      most = iou[i];
      best = i;
    }
  }
  return best;
}

template <int D>
std::vector<Cluster<D>> cluster(const BoxList& list, const FusionRule& rule, BoxScratch& scratch,
                                const BoxColumns<D>& means) {
  std::vector<Cluster<D>> clusters;
  scratch.iou.resize(scratch.order.size());
  for (const auto index : scratch.order) {
    const Box<D> box = box_at<D>(list, index);
    const int count = int(clusters.size());
    box_overlaps<D>({means, box, count, scratch.iou.data()});
    int match = best_match(scratch.iou.data(), count, rule.iou_threshold);
    if (match < 0) {
      match = count;
      clusters.push_back({});
    }
    clusters[match].join(box, list.scores[index]);
    means.put(match, match == count ? box : clusters[match].mean(box.class_));
  }
  return clusters;
}

template <int D>
void write(const Box<D>& box, int place, const FusedBoxes& fused) {
  float* row = fused.boxes.row(place);
  for (int axis = 0; axis < D; ++axis) {
    row[axis] = box.low[axis];
    row[D + axis] = box.high[axis];
  }
  if (fused.classes) fused.classes[place] = box.class_;
}

}  // namespace

template <int D>
int fuse_boxes(const BoxList& list, const FusionRule& rule, BoxScratch& scratch,
               const FusedBoxes& fused) {
  order_by_score<D>(list, rule.invalid, scratch);
  refuse_not_positive(list, scratch.order);
  const auto means = scratch.boxes<D>(int(scratch.order.size()), list.classes != nullptr);
  const auto clusters = cluster<D>(list, rule, scratch, means);
  scratch.keys.clear();
  for (std::size_t i = 0; i < clusters.size(); ++i)
    scratch.keys.push_back(descending_key(clusters[i].fused_score(rule)) | i);
  sort_by_upper_half(scratch.keys, scratch.spare_keys);
  int place = 0;
  for (const auto key : scratch.keys) {
    const int i = int(key & 0xffffffffu);
    write(means.at(i), place, fused);
    fused.scores[place] = clusters[i].fused_score(rule);
    fused.members[place++] = clusters[i].members;
  }
  return place;
}

template int fuse_boxes<2>(const BoxList&, const FusionRule&, BoxScratch&, const FusedBoxes&);
template int fuse_boxes<3>(const BoxList&, const FusionRule&, BoxScratch&, const FusedBoxes&);

}  // namespace angio
