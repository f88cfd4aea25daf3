#include "bindings/device_array.h"

#include "bindings/register.h"

namespace angio {
namespace {

using namespace py::literals;

std::shared_ptr<void> new_memory(std::size_t bytes) {
  best_target(Device::cuda);  // refuses a build without CUDA
  auto memory = std::make_shared<DeviceMemory<char>>();
  char* const data = memory->reserve(bytes > 0 ? bytes : 1);
  return {data, [memory](void*) {}};
}

}  // namespace

std::size_t bytes_of(const std::vector<std::ptrdiff_t>& shape, std::ptrdiff_t itemsize) {
  auto bytes = std::size_t(itemsize);
  for (const std::ptrdiff_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(bytes, std::size_t(extent), &bytes))
      throw py::value_error("shape must have extents of 0 or more that memory can hold, got " +
                            shape_text(shape) + "; correct it");
  return bytes;
}

DeviceArray::DeviceArray(const std::vector<std::ptrdiff_t>& shape, const py::dtype& dtype,
                         std::uintptr_t stream)
    : DeviceArray(shape, dtype, stream, new_memory(bytes_of(shape, dtype.itemsize()))) {}

DeviceArray::DeviceArray(const std::vector<std::ptrdiff_t>& shape, const py::dtype& dtype,
                         std::uintptr_t stream, const std::shared_ptr<void>& memory)
    : owner_(memory),
      data_(static_cast<char*>(memory.get())),
      shape_(shape),
      strides_(c_strides(shape, dtype.itemsize())),
      dtype_(dtype),
      stream_(stream) {}

DeviceArray::DeviceArray(const ArrayIn& array)
    : owner_(array.owner),
      data_(static_cast<char*>(array.data)),
      shape_(array.shape),
      strides_(array.strides),
      dtype_(py::dtype(array.dtype)),
      stream_(array.stream == nullptr ? 1 : reinterpret_cast<std::uintptr_t>(array.stream)),
      readonly_(array.readonly) {}

std::size_t DeviceArray::bytes() const { return bytes_of(shape_, dtype_.itemsize()); }

std::ptrdiff_t DeviceArray::length() const {
  if (shape_.empty()) throw py::type_error("an array without axes has no length");
  return shape_[0];
}

bool DeviceArray::dense() const {
  std::ptrdiff_t stride = dtype_.itemsize();
  for (std::size_t axis = shape_.size(); axis-- > 0; stride *= shape_[axis])
    if (shape_[axis] > 1 && strides_[axis] != stride) return bytes() == 0;
  return true;
}

void DeviceArray::check_dense(const char* doing) const {
  if (dense()) return;
  throw py::value_error(std::string("array must be C-contiguous for ") + doing +
                        ", got a view of shape " + shape_text(shape_) + " with strides " +
                        shape_text(strides_) + "; take the whole array");
}

void DeviceArray::check_writable() const {
  if (readonly_)
    throw py::value_error(
        "array must be writable, got read-only memory of another library; "
        "pass memory that may be written to");
}

void DeviceArray::check_like(const ArrayIn& array) const {
  if (array.shape == shape_ && array.dtype == py::cast<std::string>(py::str(dtype_))) return;
  throw py::value_error("array must be " + py::cast<std::string>(py::str(dtype_)) + " " +
                        shape_text(shape_) + ", got " + array.describe() +
                        "; make it of that shape and type");
}

void DeviceArray::copy_from(const py::object& object) {
  const ArrayIn array = array_in(object, "array");
  check_like(array);
  check_writable();
  check_dense("a copy");
  DeviceArray source(array);
  if (!source.dense())
    throw py::value_error("array must be C-contiguous, got strides " + shape_text(array.strides) +
                          "; pass numpy.ascontiguousarray(array)");
  if constexpr (kHasCuda) {
    const std::size_t size = bytes();
    py::gil_scoped_release release;
    if (array.device == Device::cuda) {
      order(array.stream, stream());
      return copy_on_device(data_, array.data, size, stream());
    }
    copy_to_device(data_, array.data, size, stream());
    synchronise(stream());
  }
}

py::array DeviceArray::numpy() const {
  check_dense("a copy");
  py::array out(dtype_, shape_);
  if constexpr (kHasCuda) {
    void* const data = out.mutable_data();
    const std::size_t size = bytes();
    py::gil_scoped_release release;
    copy_to_host(data, data_, size, stream());
    synchronise(stream());
  }
  return out;
}

void DeviceArray::clear() {
  check_writable();
  check_dense("clearing");
  if constexpr (kHasCuda) clear_on_device(data_, bytes(), stream());
}

DeviceArray DeviceArray::head(std::ptrdiff_t count) const {
  if (count < 0 || count > length())
    throw py::value_error("count must be 0 to " + std::to_string(length()) + ", got " +
                          std::to_string(count) + "; a view cannot grow");
  DeviceArray view(*this);
  view.shape_[0] = count;
  return view;
}

DeviceArray DeviceArray::settled() const {
  DeviceArray view(*this);
  view.stream_ = 0;
  return view;
}

DeviceArray DeviceArray::reshaped(const std::vector<std::ptrdiff_t>& shape) const {
  check_dense("another shape");
  if (bytes_of(shape, dtype_.itemsize()) != bytes())
    throw py::value_error("shape must hold as many elements as " + shape_text(shape_) + ", got " +
                          shape_text(shape) + "; correct it");
  DeviceArray view(*this);
  view.shape_ = shape;
  view.strides_ = c_strides(shape, dtype_.itemsize());
  return view;
}

// One index of a tuple: an integer drops the axis, a slice without a step shortens it.
void DeviceArray::take(const py::handle& index, std::size_t& axis) {
  const std::ptrdiff_t extent = shape_[axis];
  if (py::isinstance<py::slice>(index)) {
    std::ptrdiff_t begin = 0, end = 0, step = 0, count = 0;
    if (!py::cast<py::slice>(index).compute(extent, &begin, &end, &step, &count))
      throw py::error_already_set();
    if (step != 1)
      throw py::value_error("a slice of an array on the device must have no step, got " +
                            std::to_string(step) + "; take whole ranges");
    data_ += begin * strides_[axis];
    shape_[axis++] = count;
    return;
  }
  if (!PyIndex_Check(index.ptr()))
    throw py::type_error("an array on the device takes integers and slices as indices, got " +
                         py::cast<std::string>(py::repr(index)));
  const auto given = py::cast<std::ptrdiff_t>(index);
  const std::ptrdiff_t at = given < 0 ? given + extent : given;
  if (at < 0 || at >= extent)
    throw py::index_error("index must be below " + std::to_string(extent) + ", got " +
                          std::to_string(given));
  data_ += at * strides_[axis];
  shape_.erase(shape_.begin() + std::ptrdiff_t(axis));
  strides_.erase(strides_.begin() + std::ptrdiff_t(axis));
}

DeviceArray DeviceArray::at(const py::object& index) const {
  const bool several = py::isinstance<py::tuple>(index);
  const py::tuple indices = several ? py::tuple(index) : py::make_tuple(index);
  if (indices.size() > shape_.size())
    throw py::index_error("an array of " + std::to_string(shape_.size()) + " axes takes no " +
                          std::to_string(indices.size()) + " indices");
  DeviceArray view(*this);
  std::size_t axis = 0;
  for (const py::handle one : indices) view.take(one, axis);
  return view;
}

py::dict DeviceArray::face() const {
  const auto address = reinterpret_cast<std::uintptr_t>(data_);
  const py::object strides = dense() ? py::object(py::none()) : py::tuple(py::cast(strides_));
  const py::object stream = stream_ == 0 ? py::object(py::none()) : py::int_(stream_);
  return py::dict("shape"_a = shape(), "typestr"_a = dtype_.attr("str"),
                  "data"_a = py::make_tuple(address, readonly_), "strides"_a = strides,
                  "stream"_a = stream, "version"_a = 3);
}

namespace {

py::tuple cuda_device() {
  if constexpr (kHasCuda) {
    const DeviceAnswer answer = describe_device();
    return py::make_tuple(answer.usable, answer.text);
  }
  return py::make_tuple(false, std::string("the kernels were ") + ANGIO_CUDA_DECISION);
}

DeviceArray view_of(const py::object& object) {
  const ArrayIn array = array_in(object, "array");
  if (array.device != Device::cuda)
    throw py::value_error("array must lie on a CUDA device, got " + array.describe() +
                          "; copy it there with to_device");
  check_usable(array);
  return DeviceArray(array);
}

[[noreturn]] void refuse_copy(const py::object&, const py::args&, const py::kwargs&) {
  throw py::type_error(
      "an array on the CUDA device is not copied to the host in silence; call its numpy()");
}

}  // namespace

void register_device_array(py::module_& m) {
  py::class_<DeviceArray>(m, "DeviceArray",
                          "Memory of the CUDA device, copied to and from only when asked.")
      .def(py::init([](const std::vector<std::ptrdiff_t>& shape, const py::object& dtype,
                       std::uintptr_t stream) {
             return std::make_unique<DeviceArray>(shape, py::dtype::from_args(dtype), stream);
           }),
           "shape"_a, "dtype"_a, "stream"_a = 1)
      .def_static("view", &view_of, "array"_a)
      .def("copy_from", &DeviceArray::copy_from, "array"_a)
      .def("numpy", &DeviceArray::numpy)
      .def("clear", &DeviceArray::clear)
      .def("head", &DeviceArray::head, "count"_a)
      .def("settled", &DeviceArray::settled)
      .def("reshape", &DeviceArray::reshaped, "shape"_a)
      .def("__getitem__", &DeviceArray::at, "index"_a)
      .def("__array__", &refuse_copy)
      .def("__len__", &DeviceArray::length)
      .def_property_readonly("__cuda_array_interface__", &DeviceArray::face)
      .def_property_readonly("shape", &DeviceArray::shape)
      .def_property_readonly("dtype", &DeviceArray::dtype)
      .def_property_readonly("ndim", &DeviceArray::ndim)
      .def_property_readonly("nbytes", &DeviceArray::bytes)
      .def_property_readonly("stream", &DeviceArray::stream_handle);
  if constexpr (kHasCuda)
    py::class_<DeviceClock>(m, "DeviceClock", "Milliseconds on the default stream's timeline.")
        .def(py::init<>())
        .def("start", [](DeviceClock& clock) { clock.start(nullptr); })
        .def("stop", [](DeviceClock& clock) { return clock.stop(nullptr); });
  m.def("cuda_device", &cuda_device);
}

}  // namespace angio
