// From logits to a mask on a CUDA device: the same mask as on the CPU.
#pragma once

#include "core/device_memory.h"
#include "kernels/threshold.h"

namespace angio::cuda {

struct ThresholdCounts {
  std::uint32_t set;
  std::uint32_t not_numbers;  // pixels where interpolation met NaN or an infinity
};

struct ThresholdMemory {
  PinnedMemory<ThresholdCounts> on_host;  // complete once the stream was waited for
  DeviceMemory<ThresholdCounts> counts;   // freed first, which waits for the copy
};

// As on the CPU; logits and mask are device memory. Waits for the stream to learn the number.
std::int64_t threshold(const Threshold& args, Stream stream, ThresholdMemory& memory);
// The same without a wait.
void draw(const Threshold& args, Stream stream, ThresholdMemory& memory);

}  // namespace angio::cuda
