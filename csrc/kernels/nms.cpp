#include "kernels/nms.h"

#include "kernels/box_sweep.h"

namespace angio {

template <int D>
int nms(const BoxList& list, const NmsRule& rule, BoxScratch& scratch, std::int64_t* kept) {
  order_by_score<D>(list, rule.invalid, scratch);
  scratch.flags.assign(scratch.order.size(), 0);
  BoxSweep<D> sweep{};
  sweep.boxes = gather<D>(list, scratch);
  sweep.order = scratch.order.data();
  sweep.suppressed = scratch.flags.data();
  sweep.count = int(scratch.order.size());
  sweep.max_kept = rule.max_kept;
  sweep.iou_threshold = rule.iou_threshold;
  sweep.min_distance = rule.min_distance;
  sweep.kept = kept;
  return box_sweep(sweep);
}

template int nms<2>(const BoxList&, const NmsRule&, BoxScratch&, std::int64_t*);
template int nms<3>(const BoxList&, const NmsRule&, BoxScratch&, std::int64_t*);

}  // namespace angio
