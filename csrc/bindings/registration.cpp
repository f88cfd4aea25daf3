#include <vector>

#include "bindings/array_in.h"
#include "bindings/exclusive.h"
#include "bindings/register.h"
#include "kernels/cuda/shift.h"
#include "kernels/kernels.h"

namespace angio {
namespace {

using namespace py::literals;

struct ShiftWorkspace : Exclusive {
  std::vector<float> scratch;
  cuda::ShiftMemory device;
};

void check_sides(const ArrayIn& frame) {
  for (const auto side : frame.shape)
    if (side < kSmallestSide || side > kLargestSide)
      throw py::value_error("frame must have sides of " + std::to_string(kSmallestSide) + " to " +
                            std::to_string(kLargestSide) + " pixels, got " + frame.describe() +
                            "; crop it, or leave it where it is");
}

template <typename T>
py::tuple run_estimate(const ArrayIn& mask, const ArrayIn& frame, bool log, float longest,
                       ShiftWorkspace& workspace) {
  EstimateShift<T> args{view2d<const T>(mask), view2d<const T>(frame), log, longest, nullptr};
  check_sides(frame);
  ShiftEstimate found{};
  {
    py::gil_scoped_release release;
    if constexpr (kHasCuda)
      if (frame.device == Device::cuda)
        found = cuda::estimate_shift(args, frame.stream, workspace.device);
    if (frame.device == Device::cpu) {
      const std::size_t size = shift_scratch(args.frame.rows, args.frame.cols);
      if (workspace.scratch.size() < size) workspace.scratch.resize(size);
      args.scratch = workspace.scratch.data();
      found = estimate_shift(args);
    }
  }
  return py::make_tuple(py::make_tuple(found.rows, found.cols), found.residual,
                        found.residual_unshifted);
}

py::tuple bind_estimate_shift(const py::object& mask_object, const py::object& frame_object,
                              bool log, float longest, ShiftWorkspace& workspace) {
  const ArrayIn mask = array_in(mask_object, "mask"), frame = array_in(frame_object, "frame");
  check_usable(frame);
  check_same_device(mask, frame);
  check_same_shape(mask, frame);
  wait_for(mask, frame);
  if (!(longest >= 0.0f && longest <= float(kLargestSide)))
    throw py::value_error("longest_px must be 0 to " + std::to_string(kLargestSide) +
                          " pixels, got " + std::to_string(longest) +
                          "; give how far a patient may move");
  const Holding holding(workspace);
  if (holds<std::uint8_t>(frame))
    return run_estimate<std::uint8_t>(mask, frame, log, longest, workspace);
  if (holds<std::uint16_t>(frame))
    return run_estimate<std::uint16_t>(mask, frame, log, longest, workspace);
  refuse_dtype(frame, "uint8 or uint16");
}

}  // namespace

void register_registration(py::module_& m) {
  py::class_<ShiftWorkspace>(m, "ShiftWorkspace",
                             "Memory that `estimate_shift` uses again; one call at a time.")
      .def(py::init<>());
  m.def("estimate_shift", &bind_estimate_shift, "mask"_a, "frame"_a, "log"_a, "longest_px"_a,
        "workspace"_a);
}

}  // namespace angio
