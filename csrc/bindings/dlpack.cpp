#include "bindings/dlpack.h"

namespace angio::dlpack {
namespace {

std::string dtype_of(const Tensor& tensor, const char* name) {
  const std::string bits = std::to_string(int(tensor.type_bits));
  if (tensor.type_lanes == 1) {
    if (tensor.type_code == kBool) return "bool";
    if (tensor.type_code == kInt) return "int" + bits;
    if (tensor.type_code == kUInt) return "uint" + bits;
    if (tensor.type_code == kFloat) return "float" + bits;
  }
  throw py::type_error(std::string(name) + " holds a DLPack type NumPy has no name for (code " +
                       std::to_string(int(tensor.type_code)) + ", " + bits +
                       " bits); convert it to an integer or float type");
}

ArrayIn describe(const Tensor& tensor, const char* name) {
  ArrayIn in;
  in.name = name;
  in.data = static_cast<char*>(tensor.data) + tensor.byte_offset;
  in.dtype = dtype_of(tensor, name);
  in.itemsize = tensor.type_bits / 8;
  in.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
  in.strides.resize(tensor.ndim);
  std::ptrdiff_t stride = tensor.type_bits / 8;
  for (int axis = tensor.ndim; axis-- > 0;) {
    in.strides[axis] = tensor.strides ? tensor.strides[axis] * (tensor.type_bits / 8) : stride;
    stride *= tensor.shape[axis];
  }
  const auto type = tensor.device_type;
  if (type == kCuda || type == kCudaManaged)
    in.device = Device::cuda;
  else if (type != kCpu && type != kCudaHost)
    throw py::value_error(std::string(name) + " lives on DLPack device type " +
                          std::to_string(type) + ", expected CPU or CUDA; copy it to the host");
  return in;
}

// Renames the capsule, so that its producer does not free it too, and frees it with the array.
template <typename ManagedTensor>
ArrayIn take(PyObject* capsule, const char* name, const char* capsule_name, const char* used_name) {
  auto* managed = static_cast<ManagedTensor*>(PyCapsule_GetPointer(capsule, capsule_name));
  ArrayIn in = describe(managed->tensor, name);
  PyCapsule_SetName(capsule, used_name);
  in.owner = {managed, [](void* p) {
                py::gil_scoped_acquire gil;
                auto* tensor = static_cast<ManagedTensor*>(p);
                if (tensor->deleter) tensor->deleter(tensor);
              }};
  if constexpr (std::is_same_v<ManagedTensor, ManagedVersioned>) in.readonly = managed->flags & 1;
  return in;
}

bool on_cuda(const py::object& object) {
  if (!py::hasattr(object, "__dlpack_device__")) return false;
  const auto device = py::cast<py::tuple>(object.attr("__dlpack_device__")());
  const int kind = py::cast<int>(device[0]);
  return kind == kCuda || kind == kCudaManaged;
}

// The producer makes the default stream wait for what it writes; what reads waits for that stream.
py::object request_capsule(const py::object& object) {
  py::dict asked;
  if (on_cuda(object)) asked["stream"] = 1;
  try {
    const py::dict newer = asked.attr("copy")();
    newer["max_version"] = py::make_tuple(1, 0);
    return object.attr("__dlpack__")(**newer);
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_TypeError)) throw;  // a producer older than DLPack 1.0
    return object.attr("__dlpack__")(**asked);
  }
}

}  // namespace

ArrayIn read(const py::object& object, const char* name) {
  const py::object capsule = request_capsule(object);
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned"))
    return take<ManagedVersioned>(capsule.ptr(), name, "dltensor_versioned",
                                  "used_dltensor_versioned");
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor"))
    return take<Managed>(capsule.ptr(), name, "dltensor", "used_dltensor");
  throw py::type_error(std::string(name) + " gave a DLPack capsule that was already used");
}

}  // namespace angio::dlpack
