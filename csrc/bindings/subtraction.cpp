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
  const py::tuple span = options.attr("span");
  const auto first = span[0].cast<double>(), last = span[1].cast<double>();
  return {float(low),
          float(1.0 / (high - low)),
          clip ? 0.0f : -limit,
          clip ? 1.0f : limit,
          float(last - first),
          float(first),
          nullptr};
}

// A window that was measured replaces that of the options; on the device nobody here can read it.
void use_found(const ArrayIn& window, Device device, Window& used) {
  const View1D<const double> found = view1d<const double>(window);
  if (found.size != 3)
    throw py::value_error("window must be (3,): low, high and 1 / (high - low), got " +
                          window.describe() + "; find_window makes it");
  if (device == Device::cuda) {
    used.found = found.data;
    return;
  }
  used.low = float(found.data[0]);
  used.scale = float(found.data[2]);
}

// The arguments besides the options.
struct Images {
  ArrayIn frame, mask, out, window;
  bool masked, measured;
};

void check_not_empty(const ArrayIn& frame, const ArrayIn& out) {
  if (frame.shape[0] * frame.shape[1] > 0 || out.shape[0] * out.shape[1] == 0) return;
  throw py::value_error("frame must have pixels to fill out, got " + frame.describe() +
                        "; leave empty frames out");
}

template <typename T>
void run_subtract(const Images& in, const py::object& options) {
  const ArrayIn& out = in.out;
  Subtract<T> args{};
  args.frame = view2d<const T>(in.frame);
  if (in.masked) args.mask = view2d<const T>(in.mask);
  args.output = view2d<float>(out);
  check_not_empty(in.frame, out);
  args.value = value_of(options.attr("log").cast<bool>(), in.masked);
  args.inverted = options.attr("inverted").cast<bool>();
  args.white = options.attr("white").cast<int>();
  const py::tuple shift = options.attr("shift_px");
  args.shift_rows = shift[0].cast<float>();
  args.shift_cols = shift[1].cast<float>();
  args.resize =
      options.attr("resize").cast<std::string>() == "area" ? Resize::area : Resize::nearest;
  args.window = window_of(options);
  if (in.measured) use_found(in.window, out.device, args.window);
  py::gil_scoped_release release;
  wait_for(in.frame, out);
  if (in.masked) wait_for(in.mask, out);
  if (in.measured) wait_for(in.window, out);
  subtract(out.device, out.stream, args);
}

void bind_subtract(const py::object& frame_object, const py::object& mask_object,
                   const py::object& out_object, const py::object& options,
                   const py::object& window) {
  Images in{};
  in.frame = array_in(frame_object, "frame");
  in.out = array_in(out_object, "out");
  check_same_device(in.out, in.frame);
  in.masked = !mask_object.is_none();
  if (in.masked) {
    in.mask = array_in(mask_object, "mask");
    check_same_device(in.mask, in.frame);
    check_same_shape(in.mask, in.frame);
  }
  in.measured = !window.is_none();
  if (in.measured) {
    in.window = array_in(window, "window");
    check_same_device(in.window, in.out);
  }
  if (holds<std::uint8_t>(in.frame)) return run_subtract<std::uint8_t>(in, options);
  if (holds<std::uint16_t>(in.frame)) return run_subtract<std::uint16_t>(in, options);
  refuse_dtype(in.frame, "uint8 or uint16");
}

}  // namespace

void register_subtraction(py::module_& m) {
  m.def("subtract", &bind_subtract, "frame"_a, "mask"_a, "out"_a, "options"_a, "window"_a);
}

}  // namespace angio
