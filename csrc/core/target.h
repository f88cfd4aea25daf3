// One kernel source, several targets. A kernel file that is listed in ANGIO_TARGET_SOURCES is
// compiled once per target with ANGIO_TARGET set to its name, and instantiates its entry point for
// kTarget:
//
//   template void min_projection_on<kTarget>(Stream, const MinProjection<std::uint8_t>&);
//
// Everything else in such a file belongs in an anonymous namespace and uses no std:: templates: an
// inline function compiled for AVX-512 must never be the copy that the linker keeps for all.
#pragma once

#include <type_traits>

#include "core/device.h"

namespace angio {

enum class Target { baseline, x86_v3, x86_v4, cuda };

#ifdef ANGIO_TARGET
constexpr Target kTarget = Target::ANGIO_TARGET;
#endif

// The best target this machine can run for memory on `device`. Throws std::runtime_error for CUDA
// memory where the build has no CUDA kernels.
Target best_target(Device device);

// Lets tests and benchmarks compare instruction sets: CPU work uses no target above `limit`.
void limit_cpu_target(Target limit);

const char* target_name(Target target);
bool built_with_cuda();

#ifdef ANGIO_CUDA
constexpr bool kHasCuda = true;
#else
constexpr bool kHasCuda = false;
#endif

template <Target target>
using TargetConstant = std::integral_constant<Target, target>;

// For a kernel without a CUDA form: returns f(TargetConstant<best target of this CPU>{}).
template <typename F>
auto dispatch_cpu(F f) {
  switch (best_target(Device::cpu)) {
#ifdef ANGIO_X86_TARGETS
    case Target::x86_v4:
      return f(TargetConstant<Target::x86_v4>{});
    case Target::x86_v3:
      return f(TargetConstant<Target::x86_v3>{});
#endif
    default:
      return f(TargetConstant<Target::baseline>{});
  }
}

// Calls f(TargetConstant<best target>{}), for example
//   dispatch(device, [&](auto target) { min_projection_on<target()>(stream, args); });
template <typename F>
void dispatch(Device device, F f) {
#ifdef ANGIO_CUDA
  if (best_target(device) == Target::cuda) return f(TargetConstant<Target::cuda>{});
#else
  best_target(device);  // refuses CUDA memory
#endif
  dispatch_cpu(f);
}

}  // namespace angio
