#include "bindings/array_in.h"
#include "bindings/register.h"
#include "kernels/kernels.h"

namespace angio {
namespace {

using namespace py::literals;

template <typename T>
void run_min_projection(const ArrayIn& frame, const ArrayIn& lowest) {
  const MinProjection<T> args{view2d<const T>(frame), view2d<T>(lowest)};
  py::gil_scoped_release release;
  wait_for(frame, lowest);
  min_projection(lowest.device, lowest.stream, args);
}

void bind_min_projection(const py::object& frame_object, const py::object& lowest_object) {
  const ArrayIn frame = array_in(frame_object, "frame");
  const ArrayIn lowest = array_in(lowest_object, "lowest");
  check_same_device(lowest, frame);
  check_same_shape(lowest, frame);
  if (holds<std::uint8_t>(frame)) return run_min_projection<std::uint8_t>(frame, lowest);
  if (holds<std::uint16_t>(frame)) return run_min_projection<std::uint16_t>(frame, lowest);
  refuse_dtype(frame, "uint8 or uint16");
}

}  // namespace

void register_frame_kernels(py::module_& m) {
  m.def("min_projection", &bind_min_projection, "frame"_a, "lowest"_a);
}

}  // namespace angio
