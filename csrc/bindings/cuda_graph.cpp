#include "core/cuda_graph.h"

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>

#include "bindings/register.h"

namespace angio {
namespace {

namespace py = pybind11;
using namespace py::literals;

std::unique_ptr<CudaGraph> make_graph(std::uintptr_t stream) {
  return std::make_unique<CudaGraph>(reinterpret_cast<Stream>(stream));
}

CudaGraph& enter(CudaGraph& graph) {
  graph.begin();
  return graph;
}

void leave(CudaGraph& graph, const py::object& error, const py::object&, const py::object&) {
  if (error.is_none()) return graph.end();
  graph.abandon();
}

}  // namespace

void register_cuda_graph(py::module_& m) {
  py::class_<CudaGraph>(m, "CudaGraph")
      .def(py::init(&make_graph), "stream"_a)
      .def("__enter__", &enter, py::return_value_policy::reference)
      .def("__exit__", &leave)
      .def("launch", &CudaGraph::launch, py::call_guard<py::gil_scoped_release>());
}

}  // namespace angio
