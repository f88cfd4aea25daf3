// Connected components on a CUDA device: the same labels and statistics as on the CPU.
//
// Block-based union-find (S. Allegretti, F. Bolelli, C. Grana: Optimized block-based algorithms to
// label connected components on GPUs, IEEE Trans. Parallel Distrib. Syst. 31(2), 2020): pixels that
// always touch (2x2 with 8-, 2x2x2 with 26-connectivity) are one cell, cells are joined by
// atomicMin. A component's number is the rank of its first pixel among all first pixels, so the
// order in which threads run cannot be seen in the answer.
#pragma once

#include "core/device_memory.h"
#include "kernels/components.h"

namespace angio::cuda {

// What the kernels count while they run; copied to the host as one.
struct ComponentCounts {
  std::uint32_t components;
  std::uint32_t kept;
  std::int64_t kept_pixels;
};

// Device memory that is reused from mask to mask.
struct ComponentsMemory {
  DeviceMemory<std::uint32_t> parent;  // by cell
  DeviceMemory<std::uint32_t> first;   // by cell: of a root, the first pixel, then the label
  DeviceMemory<std::uint8_t> bits;     // by cell: which of its pixels are set
  DeviceMemory<std::uint32_t> words;   // a bit for every pixel: whether a component starts there
  DeviceMemory<std::uint32_t> before;  // by word: bits set before it in its block of words
  DeviceMemory<std::uint32_t> sums;    // by block of words
  DeviceMemory<Tally> tallies;         // by component
  DeviceMemory<ValueTally> values;     // by component
  DeviceMemory<std::uint8_t> marks;    // by component, or by root of a background component
  DeviceMemory<ComponentCounts> counts;
  PinnedMemory<ComponentCounts> on_host;
};

// The arguments of a search; the mask and all outputs are device memory.
struct Search {
  View3D<const std::uint8_t> mask;
  Connectivity connectivity;
  Stream stream;
};

// As on the CPU. Masks have fewer than 2^31 pixels (std::length_error). Leaves the tallies on the
// device, waits for the stream to learn their number, and returns it.
std::uint32_t find_components(const Search& search, ComponentsMemory& memory);

// The same without a wait, with room for as many components as a mask of its size can have.
void find_all_components(const Search& search, ComponentsMemory& memory);

// After find_components: the tallies of `count` components, into host memory.
void fetch_tallies(const Search& search, std::uint32_t count, const ComponentsMemory& memory,
                   Tally* tallies);
// After find_components: sums (in a fixed order, another than on the CPU) and highest values.
template <typename T>
void tally_values(const Search& search, const View3D<const T>& values, std::uint32_t count,
                  ComponentsMemory& memory, ValueTally* tallies);
// After find_components: the label of every pixel. Does not wait.
void paint_labels(const Search& search, const View3D<std::uint32_t>& labels,
                  ComponentsMemory& memory);

Kept remove_small(const MaskEdit& edit, std::int64_t min_pixels, Stream stream,
                  ComponentsMemory& memory);
// The same without a wait: `counts` on the device receives components that stayed, their pixels,
// and components that did not.
void remove_small(const MaskEdit& edit, std::int64_t min_pixels, Stream stream,
                  ComponentsMemory& memory, std::int64_t* counts);
Kept keep_largest(const MaskEdit& edit, std::uint32_t keep, Stream stream,
                  ComponentsMemory& memory);
std::uint32_t fill_holes(const MaskEdit& edit, Stream stream, ComponentsMemory& memory);

}  // namespace angio::cuda
