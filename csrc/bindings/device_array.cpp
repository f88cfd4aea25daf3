#include <numeric>

#include "bindings/array_in.h"
#include "bindings/register.h"
#include "core/device_memory.h"

namespace angio {
namespace {

using namespace py::literals;

// Device memory with a shape and a type, in C order. It is read and written by copies that one asks
// for, and offers __cuda_array_interface__.
class DeviceArray {
 public:
  DeviceArray(const std::vector<std::ptrdiff_t>& shape, const py::dtype& dtype,
              std::uintptr_t stream)
      : shape_(shape), dtype_(dtype), stream_(stream) {
    best_target(Device::cuda);
    bytes_ = std::accumulate(shape.begin(), shape.end(), std::size_t(dtype.itemsize()),
                             std::multiplies<>());
    memory_->reserve(bytes_ > 0 ? bytes_ : 1);
  }

  void copy_from(const py::object& object) {
    const ArrayIn array = array_in(object, "array");
    check_copy(array);
    if constexpr (kHasCuda) {
      py::gil_scoped_release release;
      if (array.device == Device::cuda) {
        order(array.stream, stream());
        return copy_on_device(memory_->data(), array.data, bytes_, stream());
      }
      copy_to_device(memory_->data(), array.data, bytes_, stream());
      synchronise(stream());
    }
  }

  // The first `count` along the first axis, in the same memory.
  DeviceArray head(std::ptrdiff_t count) const {
    if (count < 0 || count > length())
      throw py::value_error("count must be 0 to " + std::to_string(length()) + ", got " +
                            std::to_string(count) + "; a view cannot grow");
    DeviceArray view(*this);
    view.shape_[0] = count;
    view.bytes_ = length() > 0 ? bytes_ / std::size_t(length()) * std::size_t(count) : 0;
    return view;
  }

  py::array numpy() const {
    py::array out(dtype_, shape_);
    if constexpr (kHasCuda) {
      void* const data = out.mutable_data();
      py::gil_scoped_release release;
      copy_to_host(data, memory_->data(), bytes_, stream());
      synchronise(stream());
    }
    return out;
  }

  py::dict face() const {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_->data());
    return py::dict("shape"_a = shape(), "typestr"_a = dtype_.attr("str"),
                    "data"_a = py::make_tuple(address, false), "strides"_a = py::none(),
                    "stream"_a = stream_, "version"_a = 3);
  }

  py::tuple shape() const { return py::tuple(py::cast(shape_)); }
  py::dtype dtype() const { return dtype_; }
  std::size_t ndim() const { return shape_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::ptrdiff_t length() const {
    if (shape_.empty()) throw py::type_error("an array without axes has no length");
    return shape_[0];
  }

 private:
  Stream stream() const { return stream_ == 1 ? nullptr : reinterpret_cast<Stream>(stream_); }

  void check_copy(const ArrayIn& array) const {
    std::ptrdiff_t stride = array.itemsize;
    bool dense = array.shape == shape_ && array.dtype == py::cast<std::string>(py::str(dtype_));
    for (std::size_t axis = shape_.size(); axis-- > 0 && dense; stride *= shape_[axis])
      dense = shape_[axis] <= 1 || array.strides[axis] == stride;
    if (dense || (bytes_ == 0 && array.shape == shape_)) return;
    throw py::value_error("array must be a C-contiguous " + py::cast<std::string>(py::str(dtype_)) +
                          " " + shape_text(shape_) + ", got " + array.describe() +
                          "; pass numpy.ascontiguousarray(array)");
  }

  std::vector<std::ptrdiff_t> shape_;
  py::dtype dtype_;
  std::uintptr_t stream_;
  std::size_t bytes_ = 0;
  std::shared_ptr<DeviceMemory<char>> memory_ = std::make_shared<DeviceMemory<char>>();
};

py::tuple cuda_device() {
  if constexpr (kHasCuda) {
    const DeviceAnswer answer = describe_device();
    return py::make_tuple(answer.usable, answer.text);
  }
  return py::make_tuple(false, std::string("the kernels were ") + ANGIO_CUDA_DECISION);
}

}  // namespace

void register_device_array(py::module_& m) {
  py::class_<DeviceArray>(m, "DeviceArray",
                          "Memory of the CUDA device, copied to and from only when asked.")
      .def(py::init([](const py::object& shape, const py::object& dtype, std::uintptr_t stream) {
             return std::make_unique<DeviceArray>(py::cast<std::vector<std::ptrdiff_t>>(shape),
                                                  py::dtype::from_args(dtype), stream);
           }),
           "shape"_a, "dtype"_a, "stream"_a = 1)
      .def("copy_from", &DeviceArray::copy_from, "array"_a)
      .def("head", &DeviceArray::head, "count"_a)
      .def("numpy", &DeviceArray::numpy)
      .def("__len__", &DeviceArray::length)
      .def_property_readonly("__cuda_array_interface__", &DeviceArray::face)
      .def_property_readonly("shape", &DeviceArray::shape)
      .def_property_readonly("dtype", &DeviceArray::dtype)
      .def_property_readonly("ndim", &DeviceArray::ndim)
      .def_property_readonly("nbytes", &DeviceArray::bytes);
  if constexpr (kHasCuda)
    py::class_<DeviceClock>(m, "DeviceClock", "Milliseconds on the default stream's timeline.")
        .def(py::init<>())
        .def("start", [](DeviceClock& clock) { clock.start(nullptr); })
        .def("stop", [](DeviceClock& clock) { return clock.stop(nullptr); });
  m.def("cuda_device", &cuda_device);
}

}  // namespace angio
