#include "bindings/array_in.h"
#include "bindings/register.h"
#include "kernels/kernels.h"

namespace angio {
namespace {

using namespace py::literals;

// An array of the part of a volume, beside the tile that is cut from it.
ArrayIn part_in(ArrayIn array, const ArrayIn& tile) {
  check_same_device(array, tile);
  wait_for(array, tile);
  return array;
}

template <typename T>
void read_three(const py::object& values, T* out) {
  const py::tuple three(values);
  for (int axis = 0; axis < 3; ++axis) out[axis] = py::cast<T>(three[axis]);
}

// (channels, slices, rows, columns).
void view_tile(const ArrayIn& tile, CutTile& args) {
  check_layout<float>(tile, 4);
  ArrayIn channel = tile;
  channel.shape.erase(channel.shape.begin());
  channel.strides.erase(channel.strides.begin());
  args.tile = view3d<float>(channel);
  args.channel_step = tile.strides[0] / std::ptrdiff_t(sizeof(float));
  args.channels = int(tile.shape[0]);
}

void read_cut(const py::object& cut, const ArrayIn& tile, CutTile& args) {
  const py::object box = cut.attr("box");
  if (args.channels != (box.is_none() ? 2 : 5))
    throw py::value_error(
        "out must have 2 channels, or 5 where the cut has a box to tell places in, got " +
        tile.describe() + "; allocate it as (channels, slices, rows, columns)");
  read_three(cut.attr("first"), args.first);
  read_three(cut.attr("origin"), args.origin);
  args.slices = py::cast<int>(cut.attr("slices"));
  args.slice_ratio = py::cast<double>(cut.attr("slice_ratio"));
  const py::tuple window = cut.attr("window");
  args.low = float(py::cast<double>(window[0]));
  args.width = float(py::cast<double>(window[1]) - py::cast<double>(window[0]));
  if (box.is_none()) return;
  const py::tuple corners(box);
  double last[3];
  read_three(corners[0], args.box_first);
  read_three(corners[1], last);
  for (int axis = 0; axis < 3; ++axis) {
    const double span = last[axis] - args.box_first[axis];
    args.box_span[axis] = span < 1 ? 1 : span;
  }
}

void bind_cut_tile(const py::object& swi_object, const py::object& phase_object,
                   const py::object& brain_object, const py::object& out_object,
                   const py::object& cut) {
  const ArrayIn out = array_in(out_object, "out");
  check_usable(out);
  const ArrayIn swi = part_in(array_in(swi_object, "swi"), out);
  const ArrayIn phase = part_in(array_in(phase_object, "phase"), out);
  const ArrayIn brain = part_in(mask_array(brain_object, "brain"), out);
  CutTile args{};
  view_tile(out, args);
  args.swi = view3d<const float>(swi);
  args.phase = view3d<const float>(phase);
  args.brain = view3d<const std::uint8_t>(brain);
  check_same_shape(phase, swi);
  check_same_shape(brain, swi);
  read_cut(cut, out, args);
  py::gil_scoped_release release;
  cut_tile(out.device, out.stream, args);
}

void bind_best_class(const py::object& scores_object, const py::object& out_object) {
  const ArrayIn scores = array_in(scores_object, "scores"), out = array_in(out_object, "out");
  check_usable(scores);
  check_same_device(out, scores);
  wait_for(scores, out);
  const BestClass args{view3d<const float>(scores), view2d<std::uint8_t>(out)};
  if (args.scores.depth < 1 || args.scores.depth > 256)
    throw py::value_error("scores must have 1 to 256 classes, got " + scores.describe() +
                          "; classes are the first axis");
  if (args.scores.rows != args.labels.rows || args.scores.cols != args.labels.cols)
    throw py::value_error("out must have a label per voxel of " + shape_text(scores.shape) +
                          ", got " + out.describe() + "; leave the axis of classes out");
  py::gil_scoped_release release;
  best_class(out.device, out.stream, args);
}

}  // namespace

void register_volumes(py::module_& m) {
  m.def("cut_tile", &bind_cut_tile, "swi"_a, "phase"_a, "brain"_a, "out"_a, "cut"_a);
  m.def("best_class", &bind_best_class, "scores"_a, "out"_a);
}

}  // namespace angio
