#include "bindings/array_in.h"
#include "bindings/register.h"
#include "kernels/kernels.h"

namespace angio {
namespace {

using namespace py::literals;

// (rows, columns, 3) of the frame's size, seen as rows of bytes.
View2D<std::uint8_t> rgb_view(const ArrayIn& out, const ArrayIn& frame) {
  const View3D<std::uint8_t> view = view3d<std::uint8_t>(out);
  if (out.shape[0] != frame.shape[0] || out.shape[1] != frame.shape[1] || out.shape[2] != 3)
    throw py::value_error("out must be (rows, columns, 3) for frame " + frame.describe() +
                          ", got " + out.describe() + "; allocate it with that shape");
  if (view.depth > 0 && view.cols > 0 && view.rows > 1 && view.pitch != 3)
    throw py::value_error("out must have pixels next to each other in a row, got strides " +
                          shape_text(out.strides) + "; pass numpy.ascontiguousarray(out)");
  return {view.data, view.depth, view.rows, view.plane};
}

template <typename T, typename Label>
void run_overlay(const ArrayIn& frame, const ArrayIn& labels, const ArrayIn& colours,
                 const ArrayIn& out, const py::object& options) {
  Overlay<T, Label> args{};
  args.frame = view2d<const T>(frame);
  args.labels = view2d<const Label>(labels);
  args.rgb = rgb_view(out, frame);
  const View2D<const std::uint8_t> table = view2d<const std::uint8_t>(colours);
  if (table.cols != 3 || table.rows == 0 || (table.rows > 1 && table.pitch != 3))
    throw py::value_error("colours must be a contiguous (n, 3) array of at least one colour, got " +
                          colours.describe());
  const auto low = options.attr("low").cast<double>(), high = options.attr("high").cast<double>();
  args.low = float(low);
  args.scale = float(255.0 / (high - low));
  args.colours = table.data;
  args.colour_count = table.rows;
  args.alpha = int(options.attr("alpha").cast<double>() * 256.0 + 0.5);
  args.outline = options.attr("outline_px").cast<int>();
  py::gil_scoped_release release;
  for (const ArrayIn* array : {&frame, &labels, &colours}) wait_for(*array, out);
  overlay(out.device, out.stream, args);
}

template <typename T>
void run_overlay(const ArrayIn& frame, const ArrayIn& labels, const ArrayIn& colours,
                 const ArrayIn& out, const py::object& options) {
  if (holds<std::uint8_t>(labels))
    return run_overlay<T, std::uint8_t>(frame, labels, colours, out, options);
  if (holds<std::int32_t>(labels))
    return run_overlay<T, std::int32_t>(frame, labels, colours, out, options);
  refuse_dtype(labels, "bool, uint8 or int32");
}

void bind_overlay(const py::object& frame_object, const py::object& labels_object,
                  const py::object& colours_object, const py::object& out_object,
                  const py::object& options) {
  const ArrayIn frame = array_in(frame_object, "frame"), out = array_in(out_object, "out");
  const ArrayIn labels = mask_array(labels_object, "labels");
  const ArrayIn colours = array_in(colours_object, "colours");
  for (const ArrayIn* array : {&labels, &colours, &out}) check_same_device(*array, frame);
  check_same_shape(labels, frame);
  if (holds<std::uint8_t>(frame))
    return run_overlay<std::uint8_t>(frame, labels, colours, out, options);
  if (holds<std::uint16_t>(frame))
    return run_overlay<std::uint16_t>(frame, labels, colours, out, options);
  refuse_dtype(frame, "uint8 or uint16");
}

}  // namespace

void register_drawing(py::module_& m) {
  m.def("overlay", &bind_overlay, "frame"_a, "labels"_a, "colours"_a, "out"_a, "options"_a);
}

}  // namespace angio
