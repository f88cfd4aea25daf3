// Device memory with a shape and a type, as Python sees it: `DeviceArray`.
#pragma once

#include <memory>
#include <vector>

#include "bindings/array_in.h"
#include "core/device_memory.h"

namespace angio {

// Bytes of an array in C order. Refuses negative extents and more than memory can hold.
std::size_t bytes_of(const std::vector<std::ptrdiff_t>& shape, std::ptrdiff_t itemsize);

// Made here or taken over from another library without a copy; indexing gives views of it. It is
// read and written by copies that one asks for, and offers __cuda_array_interface__.
class DeviceArray {
 public:
  // New memory in C order, of any content.
  DeviceArray(const std::vector<std::ptrdiff_t>& shape, const py::dtype& dtype,
              std::uintptr_t stream);
  // The same in memory that somebody else keeps.
  DeviceArray(const std::vector<std::ptrdiff_t>& shape, const py::dtype& dtype,
              std::uintptr_t stream, const std::shared_ptr<void>& memory);
  // What another library has on the device, where it lies.
  explicit DeviceArray(const ArrayIn& array);

  void copy_from(const py::object& object);
  py::array numpy() const;
  void clear();

  DeviceArray at(const py::object& index) const;
  DeviceArray head(std::ptrdiff_t count) const;
  // The same memory for whoever reads it after the host has waited: it belongs to no stream.
  DeviceArray settled() const;
  DeviceArray reshaped(const std::vector<std::ptrdiff_t>& shape) const;

  py::dict face() const;
  py::tuple shape() const { return py::tuple(py::cast(shape_)); }
  py::dtype dtype() const { return dtype_; }
  std::size_t ndim() const { return shape_.size(); }
  std::size_t bytes() const;
  std::ptrdiff_t length() const;
  std::uintptr_t stream_handle() const { return stream_; }
  Stream stream() const { return stream_ == 1 ? nullptr : reinterpret_cast<Stream>(stream_); }

  char* data() const { return data_; }
  // Refuses a view whose elements are not all next to each other.
  void check_dense(const char* doing) const;
  void check_writable() const;
  // Refuses another shape or dtype than this one's.
  void check_like(const ArrayIn& array) const;

 private:
  void take(const py::handle& index, std::size_t& axis);
  bool dense() const;

  std::shared_ptr<void> owner_;
  char* data_ = nullptr;
  std::vector<std::ptrdiff_t> shape_;
  std::vector<std::ptrdiff_t> strides_;  // in bytes
  py::dtype dtype_;
  std::uintptr_t stream_;
  bool readonly_ = false;
};

}  // namespace angio
