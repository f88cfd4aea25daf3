#include "kernels/box_sweep.h"

#include "kernels/box_rules.h"

namespace angio {
namespace {

// Keepers between two looks at how many boxes are left, and the share of fallen boxes (1 in ...)
// from which closing the gaps pays.
constexpr int kKeepersPerCompaction = 48;
constexpr int kGapsWorthClosing = 8;

template <int D, bool kClasses, bool kDistance>
void suppress(const BoxSweep<D>& args, int keeper, int count) {
  const Meeting<D> meeting{args.boxes.at(keeper), args.iou_threshold,
                           4.0f * args.min_distance * args.min_distance};
  const BoxColumns<D> boxes = args.boxes;
  const float* __restrict measure = boxes.measure;
  const std::int32_t* __restrict classes = boxes.class_;
  std::int32_t* __restrict suppressed = args.suppressed;
#pragma GCC ivdep
  for (int j = keeper + 1; j < count; ++j) {
    float low[D], high[D];
    for (int axis = 0; axis < D; ++axis) {
      low[axis] = boxes.low[axis][j];
      high[axis] = boxes.high[axis][j];
    }
    const float shared = meeting.intersection(low, high);
    bool falls = meeting.overlaps(shared, measure[j]);
    if (kDistance) falls |= meeting.close(low, high);
    if (kClasses) falls &= classes[j] == meeting.one.class_;
    suppressed[j] |= falls;
  }
}

template <int D>
void suppress(const BoxSweep<D>& args, int keeper, int count) {
  const bool distance = args.min_distance > 0.0f;
  if (args.boxes.class_)
    return distance ? suppress<D, true, true>(args, keeper, count)
                    : suppress<D, true, false>(args, keeper, count);
  return distance ? suppress<D, false, true>(args, keeper, count)
                  : suppress<D, false, false>(args, keeper, count);
}

// Closes the gaps of the boxes that fell from `begin` on; returns the new end.
template <int D>
int compact(const BoxSweep<D>& args, int begin, int end) {
  int fallen = 0;
  for (int i = begin; i < end; ++i) fallen += args.suppressed[i];
  if (fallen < (end - begin) / kGapsWorthClosing) return end;
  int free = begin;
  for (int i = begin; i < end; ++i) {
    if (args.suppressed[i]) continue;
    args.boxes.put(free, args.boxes.at(i));
    args.order[free] = args.order[i];
    args.suppressed[free++] = 0;
  }
  return free;
}

}  // namespace

template <Target target, int D>
int box_sweep_on(const BoxSweep<D>& args) {
  int kept = 0;
  int end = args.count;
  for (int i = 0; i < end && kept < args.max_kept; ++i) {
    if (args.suppressed[i]) continue;
    args.kept[kept++] = args.order[i];
    suppress(args, i, end);
    if (kept % kKeepersPerCompaction == 0) end = compact(args, i + 1, end);
  }
  return kept;
}

template <Target target, int D>
void box_overlaps_on(const BoxOverlaps<D>& args) {
  const Meeting<D> meeting{args.box, 0.0f, 0.0f};
  const BoxColumns<D> boxes = args.boxes;
  const std::int32_t* __restrict classes = boxes.class_;
  float* __restrict iou = args.iou;
#pragma GCC ivdep
  for (int j = 0; j < args.count; ++j) {
    float low[D], high[D];
    for (int axis = 0; axis < D; ++axis) {
      low[axis] = boxes.low[axis][j];
      high[axis] = boxes.high[axis][j];
    }
    const float shared = meeting.intersection(low, high);
    iou[j] = shared / (meeting.one.measure + boxes.measure[j] - shared);
  }
  if (!classes) return;
  for (int j = 0; j < args.count; ++j) iou[j] = classes[j] == args.box.class_ ? iou[j] : 0.0f;
}

template int box_sweep_on<kTarget>(const BoxSweep<2>&);
template int box_sweep_on<kTarget>(const BoxSweep<3>&);
template void box_overlaps_on<kTarget>(const BoxOverlaps<2>&);
template void box_overlaps_on<kTarget>(const BoxOverlaps<3>&);

}  // namespace angio
