#include "kernels/cuda/statistics.h"

#include <limits>

#include "bindings/array_in.h"
#include "bindings/exclusive.h"
#include "bindings/register.h"
#include "kernels/kernels.h"

namespace angio {
namespace {

using namespace py::literals;

struct Workspace : PercentileWorkspace, Exclusive {
  cuda::StatisticsMemory device;
};

// What percentiles are taken of.
struct Sources {
  ArrayIn pixels, valid;
  bool masked;
};

Sources sources_in(const py::object& pixels, const py::object& irradiated) {
  Sources in{array_in(pixels, "pixels"), {}, !irradiated.is_none()};
  check_usable(in.pixels);
  if (!in.masked) return in;
  in.valid = mask_array(irradiated, "irradiated");
  check_same_device(in.valid, in.pixels);
  check_same_shape(in.valid, in.pixels);
  return in;
}

template <typename T>
Percentiles<T> percentiles_of(const Sources& in, const std::vector<double>& q, double* values) {
  Percentiles<T> args{view2d<const T>(in.pixels), {}, q.data(), int(q.size()), values};
  if (in.masked) args.valid = view2d<const std::uint8_t>(in.valid);
  if (in.pixels.shape[0] * in.pixels.shape[1] > std::numeric_limits<std::uint32_t>::max())
    throw py::value_error("pixels must be fewer than 2^32, got " + in.pixels.describe() +
                          "; tile them");
  return args;
}

template <typename T>
py::tuple run_percentiles(const Sources& in, const std::vector<double>& q, Workspace& workspace) {
  std::vector<double> values(q.size());
  const Percentiles<T> args = percentiles_of<T>(in, q, values.data());
  if (in.masked) wait_for(in.valid, in.pixels);
  std::int64_t used = 0;
  {
    py::gil_scoped_release release;
    if (in.pixels.device == Device::cpu) used = percentiles(args, workspace);
    if constexpr (kHasCuda)
      if (in.pixels.device == Device::cuda)
        used = cuda::percentiles(args, in.pixels.stream, workspace.device);
  }
  const std::int64_t all = std::int64_t(args.pixels.rows) * args.pixels.cols;
  return py::make_tuple(py::tuple(py::cast(values)), used, all - used);
}

void check_percentages(const std::vector<double>& q) {
  for (const double percent : q)
    if (!(percent >= 0.0 && percent <= 100.0))
      throw py::value_error("q must be between 0 and 100 percent, got " + std::to_string(percent) +
                            "; multiply fractions by 100");
}

py::tuple bind_percentiles(const py::object& pixels, const py::object& irradiated,
                           const std::vector<double>& q, Workspace& workspace) {
  const Sources in = sources_in(pixels, irradiated);
  check_percentages(q);
  const Holding holding(workspace);
  if (holds<std::uint8_t>(in.pixels)) return run_percentiles<std::uint8_t>(in, q, workspace);
  if (holds<std::uint16_t>(in.pixels)) return run_percentiles<std::uint16_t>(in, q, workspace);
  if (holds<float>(in.pixels)) return run_percentiles<float>(in, q, workspace);
  refuse_dtype(in.pixels, "uint8, uint16 or float32");
}

template <typename T>
double run_noise_level(const ArrayIn& pixels, Workspace& workspace) {
  const auto view = view2d<const T>(pixels);
  if (view.rows < 3 || view.cols < 3) return 0.0;
  py::gil_scoped_release release;
  if constexpr (kHasCuda)
    if (pixels.device == Device::cuda)
      return noise_level(view, cuda::laplacian_sum(view, pixels.stream, workspace.device));
  return noise_level(view, laplacian_sum(view));
}

template <typename T>
void run_find_window(const Sources& in, const std::vector<double>& q, const ArrayIn& out,
                     Workspace& workspace) {
  const View1D<double> window = view1d<double>(out);
  if (q.size() != 2 || window.size != 3)
    throw py::value_error("q must be two percentages and out (3,), got " +
                          std::to_string(q.size()) + " and " + out.describe() +
                          "; out receives low, high and 1 / (high - low)");
  double values[2];
  const Percentiles<T> args = percentiles_of<T>(in, q, values);
  wait_for(in.pixels, out);
  if (in.masked) wait_for(in.valid, out);
  py::gil_scoped_release release;
  if constexpr (kHasCuda)
    if (out.device == Device::cuda)
      return cuda::find_window(args, window.data, out.stream, workspace.device);
  percentiles(args, workspace);
  window.data[0] = values[0];
  window.data[1] = values[1];
  window.data[2] = 1.0 / (values[1] - values[0]);
}

void bind_find_window(const py::object& pixels, const py::object& irradiated,
                      const std::vector<double>& q, const py::object& out_object,
                      Workspace& workspace) {
  const Sources in = sources_in(pixels, irradiated);
  const ArrayIn out = array_in(out_object, "out");
  check_same_device(out, in.pixels);
  check_percentages(q);
  const Holding holding(workspace);
  if (holds<std::uint8_t>(in.pixels)) return run_find_window<std::uint8_t>(in, q, out, workspace);
  if (holds<std::uint16_t>(in.pixels)) return run_find_window<std::uint16_t>(in, q, out, workspace);
  if (holds<float>(in.pixels)) return run_find_window<float>(in, q, out, workspace);
  refuse_dtype(in.pixels, "uint8, uint16 or float32");
}

double bind_noise_level(const py::object& pixels_object, Workspace& workspace) {
  const ArrayIn pixels = array_in(pixels_object, "pixels");
  check_usable(pixels);
  const Holding holding(workspace);
  if (holds<std::uint8_t>(pixels)) return run_noise_level<std::uint8_t>(pixels, workspace);
  if (holds<std::uint16_t>(pixels)) return run_noise_level<std::uint16_t>(pixels, workspace);
  refuse_dtype(pixels, "uint8 or uint16");
}

}  // namespace

void register_statistics(py::module_& m) {
  py::class_<Workspace>(
      m, "PercentileWorkspace",
      "Memory that `percentiles` and `noise_level` use again; one call at a time.")
      .def(py::init<>());
  m.def("percentiles", &bind_percentiles, "pixels"_a, "irradiated"_a, "q"_a, "workspace"_a);
  m.def("find_window", &bind_find_window, "pixels"_a, "irradiated"_a, "q"_a, "out"_a,
        "workspace"_a);
  m.def("noise_level", &bind_noise_level, "pixels"_a, "workspace"_a);
}

}  // namespace angio
