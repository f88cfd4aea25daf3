// The anatomical region of every candidate on a CUDA device: the same answer as on the CPU.
#pragma once

#include "core/device.h"
#include "kernels/anatomical_filter.h"

namespace angio::cuda {

// As on the CPU; candidates, regions and outputs are device memory, `allowed` host memory. Does not
// wait for the stream.
void anatomical_filter(const AnatomicalFilter& args, Stream stream, const FilteredCandidates& out);

}  // namespace angio::cuda
