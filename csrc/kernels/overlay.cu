#include <cstring>

#include "core/for_each_pixel.h"
#include "kernels/overlay.h"

namespace angio {
namespace {

template <typename T, typename Label>
struct Gray {
  Overlay<T, Label> args;

  struct Row {
    const T* __restrict frame;
    std::uint8_t* __restrict rgb;
    float low;
    float scale;

    ANGIO_HD void operator()(int x) const {
      float gray = (static_cast<float>(frame[x]) - low) * scale + 0.5f;
      gray = gray < 0.0f ? 0.0f : (gray > 255.0f ? 255.0f : gray);
      const auto level = static_cast<std::uint8_t>(static_cast<int>(gray));
      rgb[3 * x] = level;
      rgb[3 * x + 1] = level;
      rgb[3 * x + 2] = level;
    }
  };

  ANGIO_HD Row row(int y) const {
    return {args.frame.row(y), args.rgb.row(y), args.low, args.scale};
  }
};

template <typename T, typename Label>
struct Colour {
  Overlay<T, Label> args;

  ANGIO_HD bool differs(int y, int x, Label label) const {
    const View2D<const Label>& labels = args.labels;
    return y >= 0 && y < labels.rows && x >= 0 && x < labels.cols && labels.row(y)[x] != label;
  }

  ANGIO_HD bool shown(int y, int x, Label label) const {
    if (args.outline == 0) return true;
    for (int k = 1; k <= args.outline; ++k)
      if (differs(y - k, x, label) || differs(y + k, x, label) || differs(y, x - k, label) ||
          differs(y, x + k, label))
        return true;
    return false;
  }

  ANGIO_HD void blend(int y, int x) const {
    const Label label = args.labels.row(y)[x];
    if (label <= 0 || !shown(y, x, label)) return;
    const std::uint8_t* colour = args.colours + 3 * ((label - 1) % args.colour_count);
    std::uint8_t* rgb = args.rgb.row(y) + 3 * static_cast<std::ptrdiff_t>(x);
    for (int c = 0; c < 3; ++c)
      rgb[c] = static_cast<std::uint8_t>(
          (rgb[c] * (256 - args.alpha) + colour[c] * args.alpha + 128) >> 8);
  }

  struct Row {
    const Colour* colour;
    int y;

    ANGIO_HD void operator()(int x) const { colour->blend(y, x); }
  };

  ANGIO_HD Row row(int y) const { return {this, y}; }
};

#ifndef __CUDACC__
// Most of a frame has no label: the CPU looks at eight bytes of them at a time.
template <typename T, typename Label>
void colour_labels(Stream, const Overlay<T, Label>& args) {
  constexpr int kBlock = 8 / sizeof(Label);
  const Colour<T, Label> colour{args};
  for (int y = 0; y < args.labels.rows; ++y) {
    const Label* labels = args.labels.row(y);
    const int cols = args.labels.cols;
    for (int x = 0; x < cols; x += kBlock) {
      const int end = x + kBlock < cols ? x + kBlock : cols;
      std::uint64_t any = 1;
      if (end - x == kBlock) memcpy(&any, labels + x, sizeof any);
      for (int i = x; any != 0 && i < end; ++i) colour.blend(y, i);
    }
  }
}
#else
template <typename T, typename Label>
void colour_labels(Stream stream, const Overlay<T, Label>& args) {
  for_each_pixel(stream, args.labels.rows, args.labels.cols, Colour<T, Label>{args});
}
#endif

}  // namespace

template <Target target, typename T, typename Label>
void overlay_on(Stream stream, const Overlay<T, Label>& args) {
  for_each_pixel(stream, args.frame.rows, args.frame.cols, Gray<T, Label>{args});
  colour_labels(stream, args);
}

template void overlay_on<kTarget>(Stream, const Overlay<std::uint8_t, std::uint8_t>&);
template void overlay_on<kTarget>(Stream, const Overlay<std::uint16_t, std::uint8_t>&);
template void overlay_on<kTarget>(Stream, const Overlay<std::uint8_t, std::int32_t>&);
template void overlay_on<kTarget>(Stream, const Overlay<std::uint16_t, std::int32_t>&);

}  // namespace angio
