#include "kernels/cuda/boxes.h"

#include <algorithm>
#include <limits>

#include "bindings/array_in.h"
#include "bindings/exclusive.h"
#include "bindings/register.h"
#include "kernels/kernels.h"

namespace angio {
namespace {

using namespace py::literals;

constexpr const char* kSequential = "one box follows the other; pass what is left after nms";
constexpr const char* kFromCandidates = "it fuses what is left of several networks";

struct Scratch : BoxScratch, Exclusive {
  cuda::BoxMemory device;
};

ArrayIn host_array(const py::object& object, const char* name) {
  ArrayIn array = array_in(object, name);
  check_on_cpu(array, "the answer is small and goes to the host");
  return array;
}

// An array that lives where `first` does, and is waited for in its stream.
ArrayIn array_beside(const ArrayIn& first, const py::object& object, const char* name) {
  ArrayIn array = array_in(object, name);
  check_same_device(array, first);
  wait_for(array, first);
  return array;
}

ArrayIn usable_array(const py::object& object, const char* name) {
  ArrayIn array = array_in(object, name);
  check_usable(array);
  return array;
}

void check_length(const ArrayIn& array, const ArrayIn& boxes) {
  if (array.shape[0] != boxes.shape[0])
    throw py::value_error(array.name + " must have one value per box, (" +
                          std::to_string(boxes.shape[0]) + ",), got " + array.describe() +
                          "; pass them in the order of " + boxes.name);
}

// A list of boxes as the kernels take it, with the arrays it points into.
struct ListIn {
  ArrayIn boxes, scores, classes;
  BoxList list{};
  int dimensions = 0;

  ListIn(const py::object& boxes_object, const py::object& scores_object,
         const py::object& classes_object)
      : boxes(usable_array(boxes_object, "boxes")),
        scores(array_beside(boxes, scores_object, "scores")) {
    list.boxes = view2d<const float>(boxes);
    if (list.boxes.cols != 4 && list.boxes.cols != 6)
      throw py::value_error("boxes must be (n, 4) or (n, 6), got " + boxes.describe() +
                            "; each row is the low corner, then the high corner");
    dimensions = list.boxes.cols / 2;
    list.scores = view1d<const float>(scores).data;
    check_length(scores, boxes);
    if (classes_object.is_none()) return;
    classes = array_beside(boxes, classes_object, "classes");
    list.classes = view1d<const std::int32_t>(classes).data;
    check_length(classes, boxes);
  }
};

template <typename T>
T option(const py::object& options, const char* name) {
  return py::cast<T>(options.attr(name));
}

InvalidBoxes invalid_boxes(const py::object& options) {
  return option<std::string>(options, "invalid") == "drop" ? InvalidBoxes::drop
                                                           : InvalidBoxes::refuse;
}

int limit(const py::object& options, const char* name) {
  const py::object value = options.attr(name);
  return value.is_none() ? std::numeric_limits<int>::max() : py::cast<int>(value);
}

template <typename T>
T* room(const ArrayIn& array, std::int64_t needed) {
  const auto view = view1d<T>(array);
  if (view.size < needed)
    throw py::value_error(array.name + " must hold " + std::to_string(needed) + " values, got " +
                          array.describe() + "; reserve them in the workspace");
  return view.data;
}

// Calls f(std::integral_constant<int, D>{}) for D = 2 or 3.
template <typename F>
int by_dimension(int dimensions, F f) {
  return dimensions == 2 ? f(std::integral_constant<int, 2>{})
                         : f(std::integral_constant<int, 3>{});
}

int bind_nms(const py::object& boxes, const py::object& scores, const py::object& classes,
             const py::object& options, const py::object& workspace) {
  const ListIn in(boxes, scores, classes);
  const NmsRule rule{option<float>(options, "iou_threshold"),
                     option<float>(options, "min_distance"), limit(options, "max_kept"),
                     invalid_boxes(options)};
  const ArrayIn kept = host_array(workspace.attr("kept"), "workspace.kept");
  auto* indices = room<std::int64_t>(kept, std::min(rule.max_kept, in.list.size()));
  auto& scratch = py::cast<Scratch&>(workspace.attr("scratch"));
  const Holding holding(scratch);
  py::gil_scoped_release release;
  return by_dimension(in.dimensions, [&](auto d) {
    if constexpr (kHasCuda)
      if (in.boxes.device == Device::cuda)
        return cuda::nms<d()>(in.list, rule, in.boxes.stream, scratch.device, indices);
    return nms<d()>(in.list, rule, scratch, indices);
  });
}

int bind_soft_nms(const py::object& boxes, const py::object& scores, const py::object& classes,
                  const py::object& options, const py::object& workspace) {
  const ListIn in(boxes, scores, classes);
  check_on_cpu(in.boxes, kSequential);
  const bool linear = option<std::string>(options, "decay") == "linear";
  const SoftNmsRule rule{linear ? Decay::linear : Decay::gaussian,
                         option<float>(options, "iou_threshold"),
                         option<float>(options, "sigma"),
                         option<float>(options, "score_threshold"),
                         limit(options, "max_kept"),
                         invalid_boxes(options)};
  const ArrayIn kept = host_array(workspace.attr("kept"), "workspace.kept");
  const ArrayIn kept_scores = host_array(workspace.attr("kept_scores"), "workspace.kept_scores");
  const int most = std::min(rule.max_kept, in.list.size());
  auto* indices = room<std::int64_t>(kept, most);
  auto* decayed = room<float>(kept_scores, most);
  auto& scratch = py::cast<Scratch&>(workspace.attr("scratch"));
  const Holding holding(scratch);
  py::gil_scoped_release release;
  return by_dimension(in.dimensions, [&](auto d) {
    return soft_nms<d()>(in.list, rule, scratch, indices, decayed);
  });
}

int bind_fuse(const py::object& boxes, const py::object& scores, const py::object& classes,
              const py::object& options, const py::object& out) {
  const ListIn in(boxes, scores, classes);
  check_on_cpu(in.boxes, kFromCandidates);
  const FusionRule rule{option<float>(options, "iou_threshold"),
                        option<double>(options, "total_weight"),
                        int(py::len(options.attr("weights"))), invalid_boxes(options)};
  const ArrayIn out_boxes = host_array(out.attr("boxes"), "out.boxes");
  const ArrayIn out_scores = host_array(out.attr("scores"), "out.scores");
  const ArrayIn members = host_array(out.attr("members"), "out.members");
  check_same_shape(out_boxes, in.boxes);
  const int n = in.list.size();
  FusedBoxes fused{view2d<float>(out_boxes), room<float>(out_scores, n), nullptr,
                   room<std::int32_t>(members, n)};
  ArrayIn out_classes;
  if (in.list.classes) {
    out_classes = host_array(out.attr("classes"), "out.classes");
    fused.classes = room<std::int32_t>(out_classes, n);
  }
  BoxScratch scratch;
  py::gil_scoped_release release;
  return by_dimension(in.dimensions,
                      [&](auto d) { return fuse_boxes<d()>(in.list, rule, scratch, fused); });
}

// (cells,), (groups, cells): one component per anchor.
HeadView logits_view(const ArrayIn& logits) {
  if (logits.shape.size() == 1) {
    const auto view = view1d<const float>(logits);
    return {view.data, 1, 1, int(view.size), 0, 0, 1};
  }
  const auto view = view2d<const float>(logits);
  return {view.data, view.rows, 1, view.cols, view.pitch, 0, 1};
}

// (cells, components), (groups, components, cells).
HeadView offsets_view(const ArrayIn& offsets) {
  if (offsets.shape.size() == 2) {
    const auto view = view2d<const float>(offsets);
    return {view.data, 1, view.cols, view.rows, 0, 1, view.pitch};
  }
  const auto view = view3d<const float>(offsets);
  return {view.data, view.depth, view.rows, view.cols, view.plane, view.pitch, 1};
}

void check_head(const ArrayIn& anchors, const ArrayIn& offsets_in, const ArrayIn& logits_in) {
  const HeadView logits = logits_view(logits_in);
  const HeadView offsets = offsets_view(offsets_in);
  const std::int64_t count = std::int64_t(logits.groups) * logits.cells;
  if (anchors.shape[1] != 4 && anchors.shape[1] != 6)
    throw py::value_error("anchors must be (n, 4) or (n, 6), got " + anchors.describe() +
                          "; each row is the centre, then the size");
  if (anchors.shape[0] != count || count > std::numeric_limits<int>::max())
    throw py::value_error("anchors must have one row per logit, " + std::to_string(count) +
                          ", got " + anchors.describe() + "; list them group by group");
  const int d = int(anchors.shape[1] / 2);
  const bool fits = offsets.groups == logits.groups && offsets.cells == logits.cells &&
                    (offsets.components == 2 * d || offsets.components == d + 1);
  if (!fits)
    throw py::value_error(
        "offsets must be (n, components), or (groups, components, cells) beside logits of "
        "(groups, cells), with " +
        std::to_string(2 * d) + " or " + std::to_string(d + 1) + " components, got " +
        offsets_in.describe() + " beside " + logits_in.describe() + "; reshape the head's output");
}

DecodeRule decode_rule(const py::object& options, int dimensions) {
  DecodeRule rule{option<float>(options, "logit_threshold"),
                  option<int>(options, "top"),
                  option<float>(options, "max_log_size"),
                  false,
                  {}};
  const py::object extent = options.attr("extent");
  if (extent.is_none()) return rule;
  const py::tuple sizes(extent);
  if (int(sizes.size()) != dimensions)
    throw py::value_error("extent must have " + std::to_string(dimensions) +
                          " sizes for these anchors, got " + std::to_string(sizes.size()) +
                          "; give one per axis");
  rule.clipped = true;
  for (int axis = 0; axis < dimensions; ++axis) rule.extent[axis] = py::cast<double>(sizes[axis]);
  return rule;
}

View2D<float> box_room(const ArrayIn& array, int rows, int cols) {
  const auto view = view2d<float>(array);
  if (view.rows < rows || view.cols != cols)
    throw py::value_error(array.name + " must hold " + std::to_string(rows) + " boxes of " +
                          std::to_string(cols) + " coordinates, got " + array.describe() +
                          "; reserve them in the workspace");
  return view;
}

int bind_decode(const py::object& anchors_object, const py::object& offsets_object,
                const py::object& logits_object, const py::object& options,
                const py::object& workspace) {
  const ArrayIn logits = usable_array(logits_object, "logits");
  const ArrayIn anchors_in = array_beside(logits, anchors_object, "anchors");
  const ArrayIn offsets = array_beside(logits, offsets_object, "offsets");
  const auto anchors = view2d<const float>(anchors_in);
  check_head(anchors_in, offsets, logits);
  const DecodeRule rule = decode_rule(options, anchors.cols / 2);
  const ArrayIn boxes = array_beside(logits, workspace.attr("boxes"), "workspace.boxes");
  const ArrayIn scores = array_beside(logits, workspace.attr("scores"), "workspace.scores");
  const ArrayIn indices = array_beside(logits, workspace.attr("indices"), "workspace.indices");
  const int most = std::min(rule.top, anchors.rows);
  const DecodedBoxes out{box_room(boxes, most, anchors.cols), room<float>(scores, most),
                         room<std::int64_t>(indices, most)};
  const HeadView offsets_in = offsets_view(offsets), logits_in = logits_view(logits);
  auto& scratch = py::cast<Scratch&>(workspace.attr("scratch"));
  const Holding holding(scratch);
  py::gil_scoped_release release;
  return by_dimension(anchors.cols / 2, [&](auto d) {
    if constexpr (kHasCuda)
      if (logits.device == Device::cuda)
        return cuda::decode_boxes<d()>(anchors, offsets_in, logits_in, rule, logits.stream,
                                       scratch.device, out);
    return decode_boxes<d()>(anchors, offsets_in, logits_in, rule, scratch, out);
  });
}

}  // namespace

void register_boxes(py::module_& m) {
  py::class_<Scratch>(m, "BoxScratch").def(py::init<>());
  m.def("nms", &bind_nms, "boxes"_a, "scores"_a, "classes"_a, "options"_a, "workspace"_a);
  m.def("soft_nms", &bind_soft_nms, "boxes"_a, "scores"_a, "classes"_a, "options"_a, "workspace"_a);
  m.def("fuse_boxes", &bind_fuse, "boxes"_a, "scores"_a, "classes"_a, "options"_a, "out"_a);
  m.def("decode_boxes", &bind_decode, "anchors"_a, "offsets"_a, "logits"_a, "options"_a,
        "workspace"_a);
}

}  // namespace angio
