// Takes arrays from Python as they are: NumPy, __cuda_array_interface__, DLPack or the buffer
// protocol, without a copy and without a cast. What does not fit is refused with the argument's
// name, what was expected, what came, and what to do.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

#include "core/target.h"
#include "core/view.h"

namespace angio {

namespace py = pybind11;

// An array whose memory stays alive as long as this object.
struct ArrayIn {
  std::string name;
  void* data = nullptr;
  std::string dtype;  // NumPy's name, such as "uint16"
  std::ptrdiff_t itemsize = 1;
  std::vector<std::ptrdiff_t> shape;
  std::vector<std::ptrdiff_t> strides;  // in bytes
  Device device = Device::cpu;
  // Where the array's last writer runs; a kernel runs in the stream of what it writes to.
  Stream stream = nullptr;
  bool settled = false;  // nothing needs to wait for its last writer
  bool readonly = false;
  bool mask = false;  // bool is then as good as uint8
  std::shared_ptr<void> owner;

  std::string describe() const;  // "uint16 (512, 512) on a CUDA device"
};

ArrayIn array_in(const py::object& object, const char* name);
// An array of which only counts where it is not zero.
ArrayIn mask_array(const py::object& object, const char* name);

template <typename T>
constexpr const char* dtype_name();
template <>
constexpr const char* dtype_name<std::uint8_t>() {
  return "uint8";
}
template <>
constexpr const char* dtype_name<std::uint16_t>() {
  return "uint16";
}
template <>
constexpr const char* dtype_name<std::uint32_t>() {
  return "uint32";
}
template <>
constexpr const char* dtype_name<std::int32_t>() {
  return "int32";
}
template <>
constexpr const char* dtype_name<std::int64_t>() {
  return "int64";
}
template <>
constexpr const char* dtype_name<float>() {
  return "float32";
}
template <>
constexpr const char* dtype_name<double>() {
  return "float64";
}

template <typename T>
bool holds(const ArrayIn& array) {
  return array.dtype == dtype_name<std::remove_const_t<T>>() ||
         (array.mask && array.dtype == "bool" &&
          std::is_same_v<std::remove_const_t<T>, std::uint8_t>);
}

// Refuses another number of dimensions, elements that are not aligned or not next to each other in
// a row, rows that are not whole elements apart, and read-only memory where the kernel writes.
void check_layout(const ArrayIn& array, int ndim, bool writes);
void check_same_shape(const ArrayIn& array, const ArrayIn& reference);
void check_same_device(const ArrayIn& array, const ArrayIn& reference);
// For arguments without a CUDA form; `why` completes "there is no CUDA form: ".
void check_on_cpu(const ArrayIn& array, const char* why);
// Refuses device memory where the build has no CUDA kernels.
void check_usable(const ArrayIn& array);
// Lets what runs next in the stream of `output` wait for what wrote `input`.
void wait_for(const ArrayIn& input, const ArrayIn& output);
// Lets what runs next in the stream of `output` wait for what was queued in another.
void hand_over(Stream stream, const ArrayIn& output);
[[noreturn]] void refuse_dtype(const ArrayIn& array, const char* expected);
std::string shape_text(const std::vector<std::ptrdiff_t>& shape);
// In bytes, of an array in C order.
std::vector<std::ptrdiff_t> c_strides(const std::vector<std::ptrdiff_t>& shape,
                                      std::ptrdiff_t itemsize);

// The same, and refuses another dtype.
template <typename T>
void check_layout(const ArrayIn& array, int ndim) {
  if (!holds<T>(array))
    refuse_dtype(array, array.mask ? "uint8 or bool" : dtype_name<std::remove_const_t<T>>());
  check_layout(array, ndim, !std::is_const_v<T>);
}

// Contiguous memory with its length.
template <typename T>
struct View1D {
  T* data;
  std::ptrdiff_t size;
};

template <typename T>
View1D<T> view1d(const ArrayIn& a) {
  check_layout<T>(a, 1);
  return {static_cast<T*>(a.data), a.shape[0]};
}

template <typename T>
View2D<T> view2d(const ArrayIn& a) {
  check_layout<T>(a, 2);
  return {static_cast<T*>(a.data), int(a.shape[0]), int(a.shape[1]),
          a.strides[0] / std::ptrdiff_t(sizeof(T))};
}

template <typename T>
View3D<T> view3d(const ArrayIn& a) {
  check_layout<T>(a, 3);
  const std::ptrdiff_t size = sizeof(T);
  return {static_cast<T*>(a.data), int(a.shape[0]),     int(a.shape[1]),
          int(a.shape[2]),         a.strides[0] / size, a.strides[1] / size};
}

}  // namespace angio
