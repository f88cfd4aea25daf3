#include "kernels/candidate_scan.h"

namespace angio {
namespace {

// Values looked at together; nearly all blocks hold no candidate.
constexpr int kBlock = 256;

bool any_above(const float* __restrict block, float threshold) {
  int above = 0;
  for (int i = 0; i < kBlock; ++i) above |= block[i] > threshold;
  return above != 0;
}

}  // namespace

template <Target target>
int candidate_scan_on(const CandidateScan& args) {
  int found = 0;
  for (int begin = 0; begin < args.count; begin += kBlock) {
    const float* block = args.values + begin * args.step;
    const int left = args.count - begin;
    if (args.step == 1 && left >= kBlock && !any_above(block, args.threshold)) continue;
    for (int i = 0; i < (left < kBlock ? left : kBlock); ++i)
      if (block[i * args.step] > args.threshold) args.found[found++] = begin + i;
  }
  return found;
}

template int candidate_scan_on<kTarget>(const CandidateScan&);

}  // namespace angio
