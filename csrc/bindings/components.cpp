#include "kernels/components.h"

#include <atomic>
#include <limits>
#include <memory>
#include <optional>

#include "bindings/array_in.h"
#include "bindings/register.h"
#include "kernels/cuda/components.h"

namespace angio {
namespace {

using namespace py::literals;

// One call at a time may use a workspace; the GIL does not see to that while kernels run.
struct Workspace : ComponentsWorkspace {
  cuda::ComponentsMemory device;
  std::atomic_flag busy = ATOMIC_FLAG_INIT;
};

// The caller's workspace for the time of a call, or one of its own.
class Borrowed {
 public:
  explicit Borrowed(const py::object& given)
      : own_(given.is_none() ? std::make_unique<Workspace>() : nullptr) {
    if (!own_ && !py::isinstance<Workspace>(given))
      throw py::type_error("workspace must be a ComponentsWorkspace or None, got " +
                           py::cast<std::string>(py::str(py::type::of(given))));
    workspace_ = own_ ? own_.get() : py::cast<Workspace*>(given);
    if (workspace_->busy.test_and_set())
      throw py::value_error(
          "workspace must be idle, got one that another thread is using; give each thread its own");
  }
  ~Borrowed() { workspace_->busy.clear(); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

  Workspace& operator*() const { return *workspace_; }

 private:
  std::unique_ptr<Workspace> own_;
  Workspace* workspace_;
};

// An image is a volume of depth 1.
template <typename T>
View3D<T> volume(const ArrayIn& array) {
  if (array.shape.size() != 2) return view3d<T>(array);
  const View2D<T> image = view2d<T>(array);
  return {image.data, 1, image.rows, image.cols, 0, image.pitch};
}

ArrayIn mask_in(const py::object& object) {
  ArrayIn mask = array_in(object, "mask");
  check_usable(mask);
  if (!holds<std::uint8_t>(mask)) refuse_dtype(mask, "uint8 or bool");
  if (mask.shape.size() != 2 && mask.shape.size() != 3)
    throw py::value_error("mask must be 2- or 3-dimensional, got " + mask.describe() +
                          "; pass one image or one volume");
  return mask;
}

Connectivity connectivity_in(const py::object& object, const ArrayIn& mask) {
  const bool planar = mask.shape.size() == 2;
  if (object.is_none()) return planar ? 8 : 26;
  if (!PyIndex_Check(object.ptr()))
    throw py::type_error("connectivity must be an integer or None, got " +
                         py::cast<std::string>(py::repr(object)));
  const auto given = py::cast<Connectivity>(object);
  const bool known = planar ? given == 4 || given == 8 : given == 6 || given == 18 || given == 26;
  if (!known)
    throw py::value_error(std::string("connectivity must be ") +
                          (planar ? "4 or 8 for a 2-D mask" : "6, 18 or 26 for a 3-D mask") +
                          ", got " + std::to_string(given) +
                          "; it counts the neighbours that a pixel touches");
  return given;
}

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
  else if (values.dtype == "uint8")
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

// An output of None means the mask itself.
template <typename Answer, typename Edit>
Answer edit_mask(const py::object& mask_object, const py::object& connectivity,
                 const py::object& out_object, const py::object& workspace, Edit edit) {
  const ArrayIn mask = mask_in(mask_object);
  const ArrayIn out = out_object.is_none() ? mask : array_in(out_object, "out");
  check_same_device(out, mask);
  check_same_shape(out, mask);
  wait_for(mask, out);
  if (!holds<std::uint8_t>(out)) refuse_dtype(out, "uint8 or bool");
  const MaskEdit job{volume<const std::uint8_t>(mask), volume<std::uint8_t>(out),
                     connectivity_in(connectivity, mask), mask.shape.size() == 2};
  const Borrowed borrowed(workspace);
  py::gil_scoped_release release;
  if constexpr (kHasCuda)
    if (mask.device == Device::cuda) return edit(job, (*borrowed).device, out.stream);
  return edit(job, static_cast<ComponentsWorkspace&>(*borrowed));
}

py::tuple told(const Kept& kept) { return py::make_tuple(kept.count, kept.pixels, kept.removed); }

// `stream` is there where the memory is the device's; overloads find the kernel.
py::tuple bind_remove_small(const py::object& mask, std::int64_t min_pixels,
                            const py::object& connectivity, const py::object& out,
                            const py::object& workspace) {
  return told(edit_mask<Kept>(mask, connectivity, out, workspace,
                              [=](const MaskEdit& edit, auto& memory, auto... stream) {
                                return remove_small(edit, min_pixels, stream..., memory);
                              }));
}

py::tuple bind_keep_largest(const py::object& mask, std::uint32_t keep,
                            const py::object& connectivity, const py::object& out,
                            const py::object& workspace) {
  return told(edit_mask<Kept>(mask, connectivity, out, workspace,
                              [=](const MaskEdit& edit, auto& memory, auto... stream) {
                                return keep_largest(edit, keep, stream..., memory);
                              }));
}

std::uint32_t bind_fill_holes(const py::object& mask, const py::object& connectivity,
                              const py::object& out, const py::object& workspace) {
  return edit_mask<std::uint32_t>(mask, connectivity, out, workspace,
                                  [](const MaskEdit& edit, auto& memory, auto... stream) {
                                    return fill_holes(edit, stream..., memory);
                                  });
}

}  // namespace

void register_components(py::module_& m) {
  py::class_<Workspace>(m, "ComponentsWorkspace",
                        "Memory that `components` and its kin use again; one call at a time.")
      .def(py::init());
  m.def("components", &bind_components, "mask"_a, "connectivity"_a, "values"_a, "labels"_a,
        "workspace"_a);
  m.def("remove_small", &bind_remove_small, "mask"_a, "min_pixels"_a, "connectivity"_a, "out"_a,
        "workspace"_a);
  m.def("keep_largest", &bind_keep_largest, "mask"_a, "keep"_a, "connectivity"_a, "out"_a,
        "workspace"_a);
  m.def("fill_holes", &bind_fill_holes, "mask"_a, "connectivity"_a, "out"_a, "workspace"_a);
}

}  // namespace angio
