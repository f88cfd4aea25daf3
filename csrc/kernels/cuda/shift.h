// How far a mask must move, estimated on a CUDA device: the algorithm of the CPU, its sums in
// another order.
#pragma once

#include "core/device_memory.h"
#include "kernels/shift.h"

namespace angio::cuda {

struct ShiftMemory {
  DeviceMemory<float> pyramid;
  DeviceMemory<double> variances;  // by searched shift
  DeviceMemory<ShiftEstimate> found;
  PinnedMemory<ShiftEstimate> on_host;
};

// mask and frame are device memory, args.scratch is not used. Waits for the stream.
template <typename T>
ShiftEstimate estimate_shift(const EstimateShift<T>& args, Stream stream, ShiftMemory& memory);

}  // namespace angio::cuda
