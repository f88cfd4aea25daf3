#include <algorithm>

#include "bindings/array_in.h"
#include "bindings/register.h"
#include "kernels/column_distance.h"
#include "kernels/kernels.h"

namespace angio {
namespace {

using namespace py::literals;

int bind_centreline(const py::object& mask_object, const py::object& out_object,
                    const py::object& spacing, CentrelineScratch& scratch) {
  const ArrayIn mask = mask_array(mask_object, "mask");
  const ArrayIn out = mask_array(out_object, "out");
  check_on_cpu(mask, "thinning goes border by border, each waiting for the last");
  check_same_device(out, mask);
  check_same_shape(out, mask);
  const auto [row_spacing, column_spacing] = py::cast<std::pair<double, double>>(spacing);
  const Centreline args{view2d<const std::uint8_t>(mask), view2d<std::uint8_t>(out), row_spacing,
                        column_spacing};
  if (args.mask.rows >= kNoBackground)
    throw py::value_error("mask must have fewer than 65535 rows, got " + mask.describe() +
                          "; tile it");
  py::gil_scoped_release release;
  centreline(args, scratch);
  return int(scratch.radius.size());
}

void bind_centreline_points(const py::object& points_object, const py::object& radius_object,
                            const CentrelineScratch& scratch) {
  const ArrayIn points = array_in(points_object, "points");
  const ArrayIn radius = array_in(radius_object, "radius");
  for (const ArrayIn* array : {&points, &radius}) check_on_cpu(*array, "the answer is on the host");
  const auto rows = view2d<std::int32_t>(points);
  const auto radii = view1d<float>(radius);
  const auto count = std::ptrdiff_t(scratch.radius.size());
  if (rows.rows != count || rows.cols != 2 || radii.size != count)
    throw py::value_error("points and radius must be (" + std::to_string(count) + ", 2) and (" +
                          std::to_string(count) + ",), got " + points.describe() + " and " +
                          radius.describe() + "; allocate them with that size");
  for (int i = 0; i < rows.rows; ++i) std::copy_n(&scratch.points[2 * i], 2, rows.row(i));
  std::copy(scratch.radius.begin(), scratch.radius.end(), radii.data);
}

}  // namespace

void register_centreline(py::module_& m) {
  py::class_<CentrelineScratch>(m, "CentrelineScratch").def(py::init<>());
  m.def("centreline", &bind_centreline, "mask"_a, "out"_a, "spacing"_a, "scratch"_a);
  m.def("centreline_points", &bind_centreline_points, "points"_a, "radius"_a, "scratch"_a);
}

}  // namespace angio
