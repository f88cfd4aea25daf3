// One function per family of kernels; module.cpp is their contents page.
#pragma once

#include <pybind11/pybind11.h>

namespace angio {

void register_boxes(pybind11::module_& m);
void register_centreline(pybind11::module_& m);
void register_cuda_graph(pybind11::module_& m);
void register_device_array(pybind11::module_& m);
void register_device_transfer(pybind11::module_& m);
void register_drawing(pybind11::module_& m);
void register_frame_kernels(pybind11::module_& m);
void register_masks(pybind11::module_& m);
void register_registration(pybind11::module_& m);
void register_statistics(pybind11::module_& m);
void register_subtraction(pybind11::module_& m);
void register_component_edits(pybind11::module_& m);
void register_components(pybind11::module_& m);
void register_regions(pybind11::module_& m);
void register_volumes(pybind11::module_& m);

}  // namespace angio
