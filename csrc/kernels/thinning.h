// Thinning of a binary image to lines one pixel wide (Guo and Hall, Parallel thinning with
// two-subiteration algorithms, Communications of the ACM 32(3), 1989, algorithm A1).
//
// Each half step deletes at once every pixel whose 8 neighbours allow it, so that a pixel's fate
// depends on its surroundings alone, never on a sweep's direction or on where the image was cut.
// A pixel is a bit, and 64 of them are decided by each word operation.
#pragma once

#include "core/target.h"
#include "kernels/bit_image.h"

namespace angio {

struct Thinning {
  BitImage image;
  std::uint64_t* doomed;     // scratch, laid out as image.bits
  std::uint8_t* waiting[2];  // per row, also the row before and after: has half step 0, 1 to look?
};

template <Target>
void thin_on(const Thinning&);

inline void thin(const Thinning& args) {
  dispatch_cpu([&](auto target) { thin_on<target()>(args); });
}

}  // namespace angio
