#include "bindings/array_in.h"
#include "bindings/register.h"
#include "kernels/cuda/anatomical_filter.h"
#include "kernels/kernels.h"

namespace angio {
namespace {

using namespace py::literals;

// A frame is a volume of one plane.
View3D<const std::uint8_t> regions_view(const ArrayIn& regions) {
  if (regions.shape.size() == 3) return view3d<const std::uint8_t>(regions);
  if (regions.shape.size() != 2)
    throw py::value_error(
        "regions must be a (rows, columns) frame mask or a (slices, rows, columns) "
        "label volume, got " +
        regions.describe() + "; add or drop an axis explicitly");
  const auto frame = view2d<const std::uint8_t>(regions);
  return {frame.data, 1, frame.rows, frame.cols, 0, frame.pitch};
}

void check_candidates(const ArrayIn& candidates, int dimensions) {
  const auto columns = candidates.shape[1];
  if (columns != dimensions && columns != 2 * dimensions)
    throw py::value_error("candidates must be (n, " + std::to_string(dimensions) +
                          ") centroids or (n, " + std::to_string(2 * dimensions) +
                          ") boxes beside such regions, got " + candidates.describe() +
                          "; a box is its low corner, then its high corner");
}

template <typename T>
T* one_each(const ArrayIn& array, const ArrayIn& candidates) {
  check_same_device(array, candidates);
  wait_for(array, candidates);
  const auto view = view1d<T>(array);
  if (view.size != candidates.shape[0])
    throw py::value_error(array.name + " must hold one value per candidate, (" +
                          std::to_string(candidates.shape[0]) + ",), got " + array.describe() +
                          "; allocate it with that size");
  return view.data;
}

// Trailing axes of (z, y, x); the axis a frame lacks keeps a spacing of one.
void read_spacing(const py::object& options, int dimensions, AnatomicalFilter& args) {
  for (int axis = 0; axis < 3; ++axis) args.spacing_mm[axis] = args.units_per_voxel[axis] = 1.0;
  const py::object spacing = options.attr("spacing_mm");
  if (spacing.is_none()) return;
  const py::tuple values(spacing);
  if (int(values.size()) != dimensions)
    throw py::value_error("spacing_mm must have " + std::to_string(dimensions) +
                          " values beside such regions, got " + std::to_string(values.size()) +
                          "; give one per axis of regions");
  const bool in_mm = py::cast<std::string>(options.attr("unit")) == "mm";
  for (int axis = 0; axis < dimensions; ++axis) {
    const int place = axis + 3 - dimensions;
    args.spacing_mm[place] = py::cast<double>(values[axis]);
    if (in_mm) args.units_per_voxel[place] = args.spacing_mm[place];
  }
}

void bind_anatomical_filter(const py::object& candidates_object, const py::object& regions_object,
                            const py::object& options, const py::object& out_object) {
  const ArrayIn candidates = array_in(candidates_object, "candidates");
  const ArrayIn regions = mask_array(regions_object, "regions");
  check_usable(candidates);
  check_same_device(regions, candidates);
  wait_for(regions, candidates);
  AnatomicalFilter args{};
  args.candidates = view2d<const float>(candidates);
  args.regions = regions_view(regions);
  args.flat = regions.shape.size() == 2;
  check_candidates(candidates, int(regions.shape.size()));
  read_spacing(options, int(regions.shape.size()), args);
  args.margin_mm = py::cast<double>(options.attr("margin_mm"));
  args.min_overlap = py::cast<float>(options.attr("min_overlap"));
  const ArrayIn allowed = array_in(options.attr("allowed_table"), "allowed_table");
  check_on_cpu(allowed, "it is small");
  args.allowed = view1d<const std::uint8_t>(allowed).data;
  if (allowed.shape[0] != 256)
    throw py::value_error("allowed_table must have one value per label, (256,), got " +
                          allowed.describe() + "; zero refuses a label");
  const ArrayIn kept = mask_array(out_object.attr("kept"), "out.kept");
  const ArrayIn region = array_in(out_object.attr("region"), "out.region");
  const ArrayIn reason = array_in(out_object.attr("reason"), "out.reason");
  const ArrayIn overlap = array_in(out_object.attr("overlap"), "out.overlap");
  const FilteredCandidates out{
      one_each<std::uint8_t>(kept, candidates), one_each<std::uint8_t>(region, candidates),
      one_each<std::uint8_t>(reason, candidates), one_each<float>(overlap, candidates)};
  py::gil_scoped_release release;
  if constexpr (kHasCuda)
    if (candidates.device == Device::cuda) {
      cuda::anatomical_filter(args, candidates.stream, out);
      for (const ArrayIn* array : {&kept, &region, &reason, &overlap})
        hand_over(candidates.stream, *array);
      return;
    }
  anatomical_filter(args, out);
}

}  // namespace

void register_regions(py::module_& m) {
  m.def("anatomical_filter", &bind_anatomical_filter, "candidates"_a, "regions"_a, "options"_a,
        "out"_a);
}

}  // namespace angio
