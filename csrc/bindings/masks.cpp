#include <cmath>
#include <optional>

#include "bindings/array_in.h"
#include "bindings/exclusive.h"
#include "bindings/register.h"
#include "kernels/cuda/threshold.h"
#include "kernels/kernels.h"

namespace angio {
namespace {

using namespace py::literals;

struct ThresholdWorkspace : cuda::ThresholdMemory, Exclusive {};

std::optional<std::int64_t> bind_threshold(const py::object& logits_object, float level,
                                           const py::object& out_object,
                                           ThresholdWorkspace& workspace, bool counted) {
  const ArrayIn logits = array_in(logits_object, "logits"), out = mask_array(out_object, "out");
  check_usable(logits);
  check_same_device(out, logits);
  wait_for(logits, out);
  const Threshold args{view2d<const float>(logits), view2d<std::uint8_t>(out), level};
  if (std::isnan(level))
    throw py::value_error("level must be a number, got nan; 0 is a probability of one half");
  if (args.mask.rows == 0 || args.mask.cols == 0)
    return counted ? std::optional<std::int64_t>(0) : std::nullopt;
  if (args.logits.rows == 0 || args.logits.cols == 0)
    throw py::value_error("logits must have pixels to fill out, got " + logits.describe() +
                          "; pass the window that the source covers");
  const Holding holding(workspace);
  py::gil_scoped_release release;
  if constexpr (kHasCuda) {
    if (out.device == Device::cuda && counted) return cuda::threshold(args, out.stream, workspace);
    if (out.device == Device::cuda) {
      cuda::draw(args, out.stream, workspace);
      return std::nullopt;
    }
  }
  const std::int64_t set = threshold(args);
  return counted ? std::optional(set) : std::nullopt;
}

}  // namespace

void register_masks(py::module_& m) {
  py::class_<ThresholdWorkspace>(m, "ThresholdWorkspace",
                                 "Where `threshold` counts on a device; one call at a time.")
      .def(py::init<>())
      .def_property_readonly("not_numbers", [](const ThresholdWorkspace& workspace) {
        const cuda::ThresholdCounts* const answer = workspace.on_host.data();
        return answer == nullptr ? 0u : answer->not_numbers;
      });
  m.def("threshold", &bind_threshold, "logits"_a, "level"_a, "out"_a, "workspace"_a, "counted"_a);
}

}  // namespace angio
