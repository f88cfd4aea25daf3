#include "core/for_each_pixel.h"
#include "kernels/min_projection.h"

namespace angio {
namespace {

template <typename T>
struct LowestRow {
  const T* __restrict frame;
  T* __restrict lowest;

  ANGIO_HD void operator()(int x) const { lowest[x] = frame[x] < lowest[x] ? frame[x] : lowest[x]; }
};

template <typename T>
struct Lowest {
  MinProjection<T> args;

  ANGIO_HD LowestRow<T> row(int y) const { return {args.frame.row(y), args.lowest.row(y)}; }
};

}  // namespace

template <Target target, typename T>
void min_projection_on(Stream stream, const MinProjection<T>& args) {
  for_each_pixel(stream, args.frame.rows, args.frame.cols, Lowest<T>{args});
}

template void min_projection_on<kTarget>(Stream, const MinProjection<std::uint8_t>&);
template void min_projection_on<kTarget>(Stream, const MinProjection<std::uint16_t>&);

}  // namespace angio
