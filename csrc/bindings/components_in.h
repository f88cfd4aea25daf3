// What the bindings of components and of editing by component take from Python alike.
#pragma once

#include <memory>
#include <optional>

#include "bindings/array_in.h"
#include "bindings/exclusive.h"
#include "kernels/components.h"
#include "kernels/cuda/components.h"

namespace angio::components {

struct Workspace : ComponentsWorkspace, Exclusive {
  cuda::ComponentsMemory device;
};

// The caller's workspace for the time of a call, or one of its own.
class Borrowed {
 public:
  explicit Borrowed(const py::object& given)
      : own_(given.is_none() ? std::make_unique<Workspace>() : nullptr) {
    if (!own_ && !py::isinstance<Workspace>(given))
      throw py::type_error("workspace must be a ComponentsWorkspace or None, got " +
                           py::cast<std::string>(py::type::of(given).attr("__name__")) +
                           "; make one, and keep it for the next call");
    workspace_ = own_ ? own_.get() : py::cast<Workspace*>(given);
    holding_.emplace(*workspace_);
  }

  Workspace& operator*() const { return *workspace_; }

 private:
  std::unique_ptr<Workspace> own_;
  Workspace* workspace_;
  std::optional<Holding> holding_;
};

// An image is a volume of depth 1.
template <typename T>
View3D<T> volume(const ArrayIn& array) {
  if (array.shape.size() != 2) return view3d<T>(array);
  const View2D<T> image = view2d<T>(array);
  return {image.data, 1, image.rows, image.cols, 0, image.pitch};
}

inline ArrayIn mask_in(const py::object& object) {
  ArrayIn mask = mask_array(object, "mask");
  check_usable(mask);
  if (!holds<std::uint8_t>(mask)) refuse_dtype(mask, "uint8 or bool");
  if (mask.shape.size() != 2 && mask.shape.size() != 3)
    throw py::value_error("mask must be 2- or 3-dimensional, got " + mask.describe() +
                          "; pass one image or one volume");
  return mask;
}

inline Connectivity connectivity_in(const py::object& object, const ArrayIn& mask) {
  const bool planar = mask.shape.size() == 2;
  if (object.is_none()) return planar ? 8 : 26;
  if (!PyIndex_Check(object.ptr()))
    throw py::type_error("connectivity must be an integer or None, got " +
                         py::cast<std::string>(py::repr(object)) + "; convert it explicitly");
  const Py_ssize_t given = PyNumber_AsSsize_t(object.ptr(), nullptr);  // clipped where it is huge
  const bool known = planar ? given == 4 || given == 8 : given == 6 || given == 18 || given == 26;
  if (!known)
    throw py::value_error(std::string("connectivity must be ") +
                          (planar ? "4 or 8 for a 2-D mask" : "6, 18 or 26 for a 3-D mask") +
                          ", got " + py::cast<std::string>(py::repr(object)) +
                          "; it counts the neighbours that a pixel touches");
  return Connectivity(given);
}

}  // namespace angio::components
