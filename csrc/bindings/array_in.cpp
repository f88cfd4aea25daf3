#include "bindings/array_in.h"

#include <algorithm>
#include <limits>

#include "bindings/dlpack.h"
#include "core/device_memory.h"

namespace angio {
namespace {

// Frees a Python reference from whatever thread drops the array last.
std::shared_ptr<void> keep(const py::object& object) {
  object.inc_ref();
  return {object.ptr(), [](void* p) {
            py::gil_scoped_acquire gil;
            py::handle(static_cast<PyObject*>(p)).dec_ref();
          }};
}

// NumPy's name of a type. Asking Python for it would cost more than many a kernel.
std::string name_of(const py::dtype& dtype) {
  const std::string bits = std::to_string(8 * dtype.itemsize());
  const bool native = dtype.byteorder() == '=' || dtype.byteorder() == '|';
  switch (native ? dtype.kind() : '?') {
    case 'u':
      return "uint" + bits;
    case 'i':
      return "int" + bits;
    case 'f':
      return "float" + bits;
    case 'b':
      return "bool";
    default:
      return py::cast<std::string>(py::str(dtype));
  }
}

ArrayIn from_numpy(const py::array& array, const char* name) {
  ArrayIn in;
  in.name = name;
  in.data = const_cast<void*>(array.data());
  in.dtype = name_of(array.dtype());
  in.itemsize = array.itemsize();
  in.shape.assign(array.shape(), array.shape() + array.ndim());
  in.strides.assign(array.strides(), array.strides() + array.ndim());
  in.readonly = !array.writeable();
  in.owner = keep(array);
  return in;
}

// 1 is the default stream, which CUDA also calls null; none means that nothing must be waited for.
Stream stream_of(const py::dict& face) {
  if (!face.contains("stream") || py::object(face["stream"]).is_none()) return nullptr;
  const auto handle = py::cast<std::uintptr_t>(face["stream"]);
  return handle == 1 ? nullptr : reinterpret_cast<Stream>(handle);
}

// __cuda_array_interface__ version 3
// (numba.readthedocs.io/en/stable/cuda/cuda_array_interface.html).
ArrayIn from_cuda(const py::object& object, const char* name) {
  const py::dict face = object.attr("__cuda_array_interface__");
  const py::tuple pointer = face["data"];
  ArrayIn in;
  in.name = name;
  in.data = reinterpret_cast<void*>(py::cast<std::uintptr_t>(pointer[0]));
  in.readonly = py::cast<bool>(pointer[1]);
  const py::dtype dtype(py::cast<std::string>(face["typestr"]));
  in.dtype = name_of(dtype);
  in.itemsize = dtype.itemsize();
  in.shape = py::cast<std::vector<std::ptrdiff_t>>(py::list(face["shape"]));
  in.strides = c_strides(in.shape, dtype.itemsize());
  if (face.contains("strides") && !py::object(face["strides"]).is_none())
    in.strides = py::cast<std::vector<std::ptrdiff_t>>(py::list(face["strides"]));
  in.device = Device::cuda;
  in.stream = stream_of(face);
  in.settled = face.contains("stream") && py::object(face["stream"]).is_none();
  in.owner = keep(object);
  return in;
}

// PyTorch's interface says nothing about the stream that an array was written in; asked by DLPack,
// it makes our stream wait for that.
bool names_no_stream(const py::object& object) {
  const py::dict face = object.attr("__cuda_array_interface__");
  return !face.contains("stream");
}

std::string expected(const ArrayIn& array, const std::string& what, const std::string& todo) {
  return array.name + " must be " + what + ", got " + array.describe() + "; " + todo;
}

}  // namespace

std::string shape_text(const std::vector<std::ptrdiff_t>& shape) {
  std::string text = "(";
  for (const auto extent : shape) text += std::to_string(extent) + ", ";
  if (shape.size() > 1) text.resize(text.size() - 2);
  if (shape.size() == 1) text.pop_back();
  return text + ")";
}

std::vector<std::ptrdiff_t> c_strides(const std::vector<std::ptrdiff_t>& shape,
                                      std::ptrdiff_t itemsize) {
  std::vector<std::ptrdiff_t> strides(shape.size(), itemsize);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::string ArrayIn::describe() const {
  return dtype + " " + shape_text(shape) + (device == Device::cuda ? " on a CUDA device" : "");
}

ArrayIn array_in(const py::object& object, const char* name) {
  if (py::isinstance<py::array>(object)) return from_numpy(object, name);
  const bool named = py::hasattr(object, "__cuda_array_interface__");
  const bool lent = py::hasattr(object, "__dlpack__");
  if (named && !(lent && names_no_stream(object))) return from_cuda(object, name);
  if (lent) return dlpack::read(object, name);
  if (PyObject_CheckBuffer(object.ptr()))
    return from_numpy(py::module_::import("numpy").attr("asarray")(object), name);
  throw py::type_error(
      std::string(name) +
      " must be an array (NumPy, DLPack, __cuda_array_interface__ or buffer), got " +
      py::cast<std::string>(py::str(py::type::of(object).attr("__name__"))) +
      "; convert it explicitly, for example by numpy.asarray");
}

ArrayIn mask_array(const py::object& object, const char* name) {
  ArrayIn array = array_in(object, name);
  array.mask = true;
  return array;
}

void refuse_dtype(const ArrayIn& array, const char* dtypes) {
  throw py::type_error(
      expected(array, dtypes, "convert it explicitly, nothing is cast in silence"));
}

void check_layout(const ArrayIn& array, int ndim, bool writes) {
  if (int(array.shape.size()) != ndim)
    throw py::value_error(
        expected(array, std::to_string(ndim) + "-dimensional", "add or drop an axis explicitly"));
  const std::ptrdiff_t itemsize = array.itemsize;
  const bool empty = std::count(array.shape.begin(), array.shape.end(), 0) > 0;
  if (!empty && reinterpret_cast<std::uintptr_t>(array.data) % std::uintptr_t(itemsize) != 0)
    throw py::value_error(
        expected(array, "aligned to its elements", "pass a copy, numpy.array(" + array.name + ")"));
  for (int axis = 0; axis < ndim && !empty; ++axis) {
    if (array.shape[axis] > std::numeric_limits<int>::max())
      throw py::value_error(expected(array, "shorter than 2^31 along each axis", "tile it"));
    const bool last = axis == ndim - 1;
    const std::ptrdiff_t stride = array.strides[axis];
    if (array.shape[axis] > 1 && (last ? stride != itemsize : stride % itemsize != 0))
      throw py::value_error(expected(array, "an array whose last axis is contiguous",
                                     "pass numpy.ascontiguousarray(" + array.name + ")"));
    if (writes && array.shape[axis] > 1 && stride == 0)
      throw py::value_error(expected(array, "an array whose rows do not share memory",
                                     "pass an array of its own memory"));
  }
  if (writes && array.readonly)
    throw py::value_error(expected(array, "writable", "pass memory the kernel may write to"));
}

void check_same_shape(const ArrayIn& array, const ArrayIn& reference) {
  if (array.shape != reference.shape)
    throw py::value_error(
        expected(array, "of the shape of " + reference.name + ", " + shape_text(reference.shape),
                 "allocate it with that shape"));
}

void check_same_device(const ArrayIn& array, const ArrayIn& reference) {
  if (array.device != reference.device)
    throw py::value_error(expected(array, "on the device of " + reference.name,
                                   "move one of them; nothing is copied in silence"));
}

void check_on_cpu(const ArrayIn& array, const char* why) {
  if (array.device != Device::cpu)
    throw py::value_error(
        expected(array, "in host memory", std::string("there is no CUDA form: ") + why));
}

void check_usable(const ArrayIn& array) { best_target(array.device); }

void wait_for(const ArrayIn& input, const ArrayIn& output) {
  if constexpr (kHasCuda)
    if (output.device == Device::cuda && !input.settled) order(input.stream, output.stream);
}

void hand_over(Stream stream, const ArrayIn& output) {
  if constexpr (kHasCuda)
    if (output.device == Device::cuda) order(stream, output.stream);
}

}  // namespace angio
