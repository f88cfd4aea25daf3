#include <cmath>

#include "core/for_each_pixel.h"
#include "kernels/best_class.h"

namespace angio {
namespace {

struct Best {
  BestClass args;

  struct Row {
    const float* __restrict scores;
    std::uint8_t* __restrict labels;
    std::ptrdiff_t plane;
    int classes;

    ANGIO_HD void operator()(int x) const {
      float best = scores[x] > -INFINITY ? scores[x] : -INFINITY;  // NaN is not
      int label = 0;
      for (int other = 1; other < classes; ++other) {
        const float score = scores[x + other * plane];
        label = score > best ? other : label;
        best = score > best ? score : best;
      }
      labels[x] = static_cast<std::uint8_t>(label);
    }
  };

  ANGIO_HD Row row(int y) const {
    const View3D<const float>& scores = args.scores;
    return {scores.row(0, y), args.labels.row(y), scores.plane, scores.depth};
  }
};

}  // namespace

template <Target target>
void best_class_on(Stream stream, const BestClass& args) {
  for_each_pixel(stream, args.labels.rows, args.labels.cols, Best{args});
}

template void best_class_on<kTarget>(Stream, const BestClass&);

}  // namespace angio
