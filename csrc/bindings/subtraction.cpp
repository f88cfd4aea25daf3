#include <cmath>
#include <limits>

#include "bindings/array_in.h"
#include "bindings/register.h"
#include "kernels/kernels.h"

namespace angio {
namespace {

using namespace py::literals;

Value value_of(bool log, bool masked) {
  if (masked) return log ? Value::log : Value::linear;
  return log ? Value::native_log : Value::native;
}

Window window_of(const py::object& options) {
  const auto low = options.attr("low").cast<double>(), high = options.attr("high").cast<double>();
  const float limit = std::numeric_limits<float>::infinity();
  const bool clip = options.attr("clip").cast<bool>();
  return {float(low), float(1.0 / (high - low)), clip ? 0.0f : -limit, clip ? 1.0f : limit};
}

void check_not_empty(const ArrayIn& frame, const ArrayIn& out) {
  if (frame.shape[0] * frame.shape[1] > 0 || out.shape[0] * out.shape[1] == 0) return;
  throw py::value_error("frame must have pixels to fill out, got " + frame.describe() +
                        "; leave empty frames out");
}

template <typename T>
void run_subtract(const ArrayIn& frame, const ArrayIn* mask, const ArrayIn& out,
                  const py::object& options) {
  Subtract<T> args{};
  args.frame = view2d<const T>(frame);
  if (mask != nullptr) args.mask = view2d<const T>(*mask);
  args.output = view2d<float>(out);
  check_not_empty(frame, out);
  args.value = value_of(options.attr("log").cast<bool>(), mask != nullptr);
  args.inverted = options.attr("inverted").cast<bool>();
  args.white = options.attr("white").cast<int>();
  const py::tuple shift = options.attr("shift_px");
  args.shift_rows = shift[0].cast<float>();
  args.shift_cols = shift[1].cast<float>();
  args.resize =
      options.attr("resize").cast<std::string>() == "area" ? Resize::area : Resize::nearest;
  args.window = window_of(options);
  py::gil_scoped_release release;
  wait_for(frame, out);
  if (mask != nullptr) wait_for(*mask, out);
  subtract(out.device, out.stream, args);
}

void bind_subtract(const py::object& frame_object, const py::object& mask_object,
                   const py::object& out_object, const py::object& options) {
  const ArrayIn frame = array_in(frame_object, "frame"), out = array_in(out_object, "out");
  check_same_device(out, frame);
  ArrayIn mask;
  if (!mask_object.is_none()) {
    mask = array_in(mask_object, "mask");
    check_same_device(mask, frame);
    check_same_shape(mask, frame);
  }
  const ArrayIn* given = mask_object.is_none() ? nullptr : &mask;
  if (holds<std::uint8_t>(frame)) return run_subtract<std::uint8_t>(frame, given, out, options);
  if (holds<std::uint16_t>(frame)) return run_subtract<std::uint16_t>(frame, given, out, options);
  refuse_dtype(frame, "uint8 or uint16");
}

}  // namespace

void register_subtraction(py::module_& m) {
  m.def("subtract", &bind_subtract, "frame"_a, "mask"_a, "out"_a, "options"_a);
}

}  // namespace angio
