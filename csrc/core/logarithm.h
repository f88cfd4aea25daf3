// The natural logarithm, the same bits on every target: libm's differ and do not vectorise.
#pragma once

#include <cstdint>

#include "core/device.h"

namespace angio {

#ifdef __CUDA_ARCH__
static inline __device__ std::int32_t as_int(float x) { return __float_as_int(x); }
static inline __device__ float as_float(std::int32_t x) { return __int_as_float(x); }
#else
static inline ANGIO_HD std::int32_t as_int(float x) { return __builtin_bit_cast(std::int32_t, x); }
static inline ANGIO_HD float as_float(std::int32_t x) { return __builtin_bit_cast(float, x); }
#endif

// log(x) of a normal, positive x, within 2 ulp. Only operations that IEEE 754 rounds exactly, in
// the order of Cephes' logf (netlib.org/cephes), so that host and device agree while FMA is off.
static inline ANGIO_HD float logarithm(float x) {
  std::int32_t bits = as_int(x);
  const std::int32_t exponent = (bits - 0x3f3504f3) >> 23;  // puts the mantissa around 1
  bits -= exponent * (1 << 23);
  const float e = static_cast<float>(exponent);
  const float m = as_float(bits) - 1.0f;
  const float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  p = p * m * z - 2.12194440e-4f * e - 0.5f * z;
  return (m + p) + 0.693359375f * e;  // ln 2 in two parts, the first times e is exact
}

}  // namespace angio
