// What moves between host and device while frames flow, without waiting and without allocating.
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "bindings/device_array.h"
#include "bindings/exclusive.h"
#include "bindings/register.h"

namespace angio {
namespace {

using namespace py::literals;

// Arrays whose memory comes back when the last view of it is gone, and is given out again.
class DevicePool {
 public:
  DeviceArray array(const std::vector<std::ptrdiff_t>& shape, const py::object& dtype_object,
                    std::uintptr_t stream) {
    const py::dtype dtype = py::dtype::from_args(dtype_object);
    best_target(Device::cuda);  // refuses a build without CUDA
    return {shape, dtype, stream, take(bytes_of(shape, dtype.itemsize()), stream)};
  }

 private:
  struct Block {
    std::size_t bytes;
    std::uintptr_t stream;  // work of this stream may still use it
    DeviceMemory<char> memory;
  };
  struct Shelf {
    std::mutex mutex;
    std::vector<std::unique_ptr<Block>> free;
  };

  std::unique_ptr<Block> found(std::size_t bytes, std::uintptr_t stream) {
    const std::lock_guard<std::mutex> lock(shelf_->mutex);
    for (auto& block : shelf_->free) {
      if (block->bytes != bytes || block->stream != stream) continue;
      std::swap(block, shelf_->free.back());
      std::unique_ptr<Block> taken = std::move(shelf_->free.back());
      shelf_->free.pop_back();
      return taken;
    }
    return nullptr;
  }

  std::shared_ptr<void> take(std::size_t bytes, std::uintptr_t stream) {
    std::unique_ptr<Block> block = found(bytes, stream);
    if (!block) {
      block = std::make_unique<Block>();
      block->bytes = bytes;
      block->stream = stream;
      block->memory.reserve(bytes > 0 ? bytes : 1);
    }
    char* const data = block->memory.data();
    return {data, [shelf = shelf_, held = block.release()](void*) {
              std::unique_ptr<Block> back(held);
              const std::lock_guard<std::mutex> lock(shelf->mutex);
              shelf->free.push_back(std::move(back));
            }};
  }

  std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
};

// Takes copies of small arrays of the device without waiting for it.
class HostCopy {
 public:
  py::object take(const py::object& object) {
    const ArrayIn array = array_in(object, "array");
    if (array.device == Device::cpu) return object;
    check_usable(array);
    const DeviceArray source(array);
    source.check_dense("a copy");
    if (!memory_ || memory_->capacity() < source.bytes()) {
      memory_ = std::make_shared<PinnedMemory<char>>();
      memory_->reserve(source.bytes() > 0 ? source.bytes() : 1);
    }
    if constexpr (kHasCuda)
      copy_to_host(memory_->data(), source.data(), source.bytes(), source.stream());
    using Held = std::shared_ptr<PinnedMemory<char>>;
    const py::capsule keeper(new Held(memory_),
                             [](void* held) { delete static_cast<Held*>(held); });
    return py::array(source.dtype(), array.shape, memory_->data(), keeper);
  }

 private:
  std::shared_ptr<PinnedMemory<char>> memory_;
};

// Sends host images and volumes to the device through pinned memory, without waiting for them to
// arrive.
class Upload : public Exclusive {
 public:
  void send(const py::object& object, const DeviceArray& to) {
    const ArrayIn array = array_in(object, "array");
    check_on_cpu(array, "it lies on the device already");
    to.check_like(array);
    to.check_writable();
    to.check_dense("an upload");
    check_layout(array, array.shape.size() == 3 ? 3 : 2, false);
    if constexpr (kHasCuda) {
      const std::size_t size = to.bytes();
      const Holding holding(*this);
      py::gil_scoped_release release;
      pack(array, staging_.open(size));
      staging_.send(to.data(), size, to.stream());
    }
  }

 private:
  static void pack(const ArrayIn& array, char* packed) {
    const bool flat = array.shape.size() == 2;
    const std::ptrdiff_t slices = flat ? 1 : array.shape[0];
    const std::ptrdiff_t slice = flat ? 0 : array.strides[0];
    const std::ptrdiff_t rows = *(array.shape.end() - 2), pitch = *(array.strides.end() - 2);
    const auto row = std::size_t(array.shape.back() * array.itemsize);
    for (std::ptrdiff_t z = 0; z < slices; ++z) {
      const char* from = static_cast<const char*>(array.data) + z * slice;
      if (std::ptrdiff_t(row) == pitch) {
        std::memcpy(packed, from, row * std::size_t(rows));
        packed += row * std::size_t(rows);
        continue;
      }
      for (std::ptrdiff_t y = 0; y < rows; ++y, packed += row)
        std::memcpy(packed, from + y * pitch, row);
    }
  }

  Staging staging_;
};

// A stream that work on the default stream does not hold up.
class DeviceStream {
 public:
  DeviceStream() {
    best_target(Device::cuda);
    if constexpr (kHasCuda) stream_ = new_stream();
  }
  ~DeviceStream() {
    if constexpr (kHasCuda) free_stream(stream_);
  }
  DeviceStream(const DeviceStream&) = delete;
  DeviceStream& operator=(const DeviceStream&) = delete;

  std::uintptr_t handle() const { return reinterpret_cast<std::uintptr_t>(stream_); }

 private:
  Stream stream_ = nullptr;
};

void wait(const py::object& object) {
  const ArrayIn array = array_in(object, "array");
  if (array.device == Device::cpu) return;
  check_usable(array);
  py::gil_scoped_release release;
  if constexpr (kHasCuda) synchronise(array.stream);
}

py::dict device_traffic() {
  Traffic seen{};
  if constexpr (kHasCuda) seen = traffic();
  return py::dict("to_device"_a = seen.to_device, "to_host"_a = seen.to_host,
                  "on_device"_a = seen.on_device, "waits"_a = seen.waits,
                  "allocations"_a = seen.allocations);
}

}  // namespace

void register_device_transfer(py::module_& m) {
  py::class_<DevicePool>(m, "DevicePool")
      .def(py::init<>())
      .def("array", &DevicePool::array, "shape"_a, "dtype"_a, "stream"_a = 1);
  py::class_<HostCopy>(m, "HostCopy").def(py::init<>()).def("take", &HostCopy::take, "array"_a);
  py::class_<Upload>(m, "Upload").def(py::init<>()).def("send", &Upload::send, "array"_a, "to"_a);
  py::class_<DeviceStream>(m, "DeviceStream")
      .def(py::init<>())
      .def_property_readonly("handle", &DeviceStream::handle);
  m.def("wait", &wait, "array"_a);
  m.def("device_traffic", &device_traffic);
}

}  // namespace angio
