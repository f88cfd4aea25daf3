#include "core/target.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>

namespace angio {
namespace {

Target detect_cpu_target() {
#ifdef ANGIO_X86_TARGETS
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (v4) return Target::x86_v4;
  if (v3) return Target::x86_v3;
#endif
  return Target::baseline;
}

std::atomic<Target>& cpu_target() {
  static std::atomic<Target> target{detect_cpu_target()};
  return target;
}

}  // namespace

Target best_target(Device device) {
  if (device == Device::cpu) return cpu_target().load(std::memory_order_relaxed);
  if (!built_with_cuda())
    throw std::runtime_error(
        "this array lives on a CUDA device, but the kernels were built without CUDA; copy it to "
        "the "
        "host, or rebuild with -DANGIO_CUDA=ON where nvcc is installed");
  return Target::cuda;
}

void limit_cpu_target(Target limit) { cpu_target() = std::min(limit, detect_cpu_target()); }

const char* target_name(Target target) {
  switch (target) {
    case Target::baseline:
      return "baseline";
    case Target::x86_v3:
      return "x86-64-v3";
    case Target::x86_v4:
      return "x86-64-v4";
    case Target::cuda:
      return "cuda";
  }
  return "unknown";
}

bool built_with_cuda() {
#ifdef ANGIO_CUDA
  return true;
#else
  return false;
#endif
}

}  // namespace angio
