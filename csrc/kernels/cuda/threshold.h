// From logits to a mask on a CUDA device: the same mask as on the CPU.
#pragma once

#include "core/device_memory.h"
#include "kernels/threshold.h"

namespace angio::cuda {

struct ThresholdMemory {
  DeviceMemory<std::uint32_t> count;
  PinnedMemory<std::uint32_t> told;
};

// As on the CPU; logits and mask are device memory. Waits for the stream to learn the number.
std::int64_t threshold(const Threshold& args, Stream stream, ThresholdMemory& memory);
// The same without the number, and without a wait.
void draw(const Threshold& args, Stream stream, ThresholdMemory& memory);

}  // namespace angio::cuda
