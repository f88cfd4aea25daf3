#include "bindings/array_in.h"
#include "bindings/register.h"

namespace py = pybind11;
using namespace py::literals;

namespace {

void limit_target(const std::string& name) {
  for (const auto target : {angio::Target::baseline, angio::Target::x86_v3, angio::Target::x86_v4})
    if (name == angio::target_name(target)) return angio::limit_cpu_target(target);
  throw py::value_error("name must be baseline, x86-64-v3 or x86-64-v4, got " + name);
}

// Of whatever kernels take as an array.
py::tuple shape_of(const py::object& array, const std::string& name) {
  return py::tuple(py::cast(angio::array_in(array, name.c_str()).shape));
}

}  // namespace

PYBIND11_MODULE(_native, m) {
  m.attr("has_cuda") = angio::built_with_cuda();
  m.attr("cuda_decision") = ANGIO_CUDA_DECISION;
  m.attr("version") = ANGIO_VERSION;
  m.def("cpu_target", [] { return angio::target_name(angio::best_target(angio::Device::cpu)); });
  m.def("limit_cpu_target", &limit_target, "name"_a);
  m.def("shape_of", &shape_of, "array"_a, "name"_a);
  angio::register_boxes(m);
  angio::register_centreline(m);
  angio::register_cuda_graph(m);
  angio::register_device_array(m);
  angio::register_device_transfer(m);
  angio::register_drawing(m);
  angio::register_frame_kernels(m);
  angio::register_masks(m);
  angio::register_registration(m);
  angio::register_statistics(m);
  angio::register_subtraction(m);
  angio::register_components(m);
  angio::register_component_edits(m);
  angio::register_regions(m);
  angio::register_volumes(m);
}
