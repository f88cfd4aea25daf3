#include <limits>
#include <optional>

#include "bindings/components_in.h"
#include "bindings/register.h"

namespace angio {
namespace {

using namespace py::literals;
using namespace components;

// What components() reads and writes besides the mask; checked before anything is computed.
struct Extras {
  std::optional<View3D<const float>> float_values;
  std::optional<View3D<const std::uint8_t>> byte_values;
  std::optional<View3D<std::uint32_t>> labels;
  bool signed_labels = false;
  std::shared_ptr<void> owners[2];
};

void take_values(const py::object& object, const ArrayIn& mask, Extras& extras) {
  if (object.is_none()) return;
  const ArrayIn values = array_in(object, "values");
  check_same_device(values, mask);
  check_same_shape(values, mask);
  wait_for(values, mask);
  extras.owners[0] = values.owner;
  if (holds<float>(values))
    extras.float_values = volume<const float>(values);
  else if (holds<std::uint8_t>(values))
    extras.byte_values = volume<const std::uint8_t>(values);
  else
    refuse_dtype(values, "float32 or uint8");
}

void take_labels(const py::object& object, const ArrayIn& mask, Extras& extras) {
  if (object.is_none()) return;
  const ArrayIn labels = array_in(object, "labels");
  check_same_device(labels, mask);
  check_same_shape(labels, mask);
  wait_for(labels, mask);
  extras.owners[1] = labels.owner;
  extras.signed_labels = holds<std::int32_t>(labels);
  if (!extras.signed_labels && !holds<std::uint32_t>(labels))
    refuse_dtype(labels, "int32 or uint32");
  if (!extras.signed_labels) {
    extras.labels = volume<std::uint32_t>(labels);
    return;
  }
  const auto view = volume<std::int32_t>(labels);  // the labels below 2^31 have the same bits
  extras.labels = {reinterpret_cast<std::uint32_t*>(view.data),
                   view.depth,
                   view.rows,
                   view.cols,
                   view.plane,
                   view.pitch};
}

std::uint32_t compute_on_device(const cuda::Search& search, const Extras& extras,
                                Workspace& workspace) {
  std::uint32_t count = 0;
  if constexpr (kHasCuda) {
    count = cuda::find_components(search, workspace.device);
    workspace.tallies.reserve(count);
    workspace.values.reserve(count);
    ValueTally* values = workspace.values.data();
    if (extras.labels) cuda::paint_labels(search, *extras.labels, workspace.device);
    if (extras.float_values)
      cuda::tally_values(search, *extras.float_values, count, workspace.device, values);
    if (extras.byte_values)
      cuda::tally_values(search, *extras.byte_values, count, workspace.device, values);
    cuda::fetch_tallies(search, count, workspace.device, workspace.tallies.data());
  }
  return count;
}

std::uint32_t compute(const ArrayIn& array, Connectivity connectivity, const Extras& extras,
                      Workspace& workspace) {
  const auto mask = volume<const std::uint8_t>(array);
  const py::gil_scoped_release release;
  if (array.device == Device::cuda)
    return compute_on_device({mask, connectivity, array.stream}, extras, workspace);
  const std::uint32_t count = find_components(mask, connectivity, workspace);
  if (extras.signed_labels && count > std::uint32_t(std::numeric_limits<std::int32_t>::max()))
    throw std::length_error("labels must be uint32 for 2^31 components or more, got int32");
  if (extras.labels) paint_labels(*extras.labels, workspace);
  if (extras.float_values) tally_values(*extras.float_values, count, workspace);
  if (extras.byte_values) tally_values(*extras.byte_values, count, workspace);
  return count;
}

template <typename T>
py::array_t<T> table(std::uint32_t count, int columns) {
  return py::array_t<T>({std::ptrdiff_t(count), std::ptrdiff_t(columns)});
}

// boxes, sizes and centroids, with as many axes as the mask has.
py::tuple statistics(const Workspace& workspace, std::uint32_t count, int ndim) {
  auto boxes = table<std::int32_t>(count, 2 * ndim);
  auto centroids = table<double>(count, ndim);
  py::array_t<std::int64_t> sizes(count);
  std::int32_t* box = boxes.mutable_data();
  double* centroid = centroids.mutable_data();
  for (std::uint32_t i = 0; i < count; ++i) {
    const Tally& tally = workspace.tallies[i];
    sizes.mutable_data()[i] = tally.pixels;
    for (int axis = 3 - ndim; axis < 3; ++axis) *box++ = tally.start[axis];
    for (int axis = 3 - ndim; axis < 3; ++axis) *box++ = tally.stop[axis];
    for (int axis = 3 - ndim; axis < 3; ++axis)
      *centroid++ = double(tally.sum[axis]) / double(tally.pixels);
  }
  return py::make_tuple(boxes, sizes, centroids);
}

py::tuple value_statistics(const Workspace& workspace, std::uint32_t count) {
  py::array_t<double> sums(count);
  py::array_t<float> maxima(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    sums.mutable_data()[i] = workspace.values[i].sum;
    maxima.mutable_data()[i] = workspace.values[i].highest;
  }
  return py::make_tuple(sums, maxima);
}

py::tuple bind_components(const py::object& mask_object, const py::object& connectivity_object,
                          const py::object& values, const py::object& labels,
                          const py::object& workspace) {
  const ArrayIn mask = mask_in(mask_object);
  const Connectivity connectivity = connectivity_in(connectivity_object, mask);
  Extras extras;
  take_values(values, mask, extras);
  take_labels(labels, mask, extras);
  const Borrowed borrowed(workspace);
  const std::uint32_t count = compute(mask, connectivity, extras, *borrowed);
  const py::tuple found = statistics(*borrowed, count, int(mask.shape.size()));
  if (values.is_none()) return found + py::make_tuple(py::none(), py::none());
  return found + value_statistics(*borrowed, count);
}

}  // namespace

void register_components(py::module_& m) {
  py::class_<Workspace>(m, "ComponentsWorkspace",
                        "Memory that `components` and its kin use again; one call at a time.")
      .def(py::init());
  m.def("components", &bind_components, "mask"_a, "connectivity"_a, "values"_a, "labels"_a,
        "workspace"_a);
}

}  // namespace angio
