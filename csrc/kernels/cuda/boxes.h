// Detection on a CUDA device: boxes of a head, and their suppression; the same order, the same kept
// boxes as on the CPU.
//
// Soft suppression and box fusion stay on the CPU: both take one box after the other, each step
// waits for the last, and after a head's top thousand they meet few boxes. A device would run
// them in one thread.
#pragma once

#include "core/device_memory.h"
#include "kernels/box_decode.h"
#include "kernels/nms.h"

namespace angio::cuda {

// What the kernels count while they run; copied to the host as one.
struct BoxCounts {
  std::uint32_t valid;
  std::uint32_t invalid_from_end;  // the number of boxes minus the first invalid one's index
  std::uint32_t kept;
  std::uint32_t candidates;
  std::uint32_t chosen;
  std::uint32_t decoded;
  std::uint64_t last_key;  // of the best candidates
};

// Device memory that is reused from list to list.
struct BoxMemory {
  DeviceMemory<std::uint64_t> keys;
  DeviceMemory<std::uint64_t> best;
  DeviceMemory<std::uint64_t> overlaps;  // by box, 64 others in each word
  DeviceMemory<Box<3>> boxes;            // by score
  DeviceMemory<std::int32_t> order;
  DeviceMemory<std::int64_t> kept;
  DeviceMemory<std::uint8_t> flags;
  DeviceMemory<BoxCounts> counts;
  PinnedMemory<BoxCounts> on_host;
};

constexpr int kMostBoxes = 32768;  // their overlaps take 128 MiB

// As on the CPU; the list is device memory, `kept` host memory. At most kMostBoxes boxes
// (std::length_error).
template <int D>
int nms(const BoxList& list, const NmsRule& rule, Stream stream, BoxMemory& memory,
        std::int64_t* kept);

// As on the CPU, but for the last bits of the exponential; all arrays are device memory.
template <int D>
int decode_boxes(View2D<const float> anchors, const HeadView& offsets, const HeadView& logits,
                 const DecodeRule& rule, Stream stream, BoxMemory& memory, const DecodedBoxes& out);

}  // namespace angio::cuda
