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
    if (label > 0) blend_run(y, x, x + 1, label);
  }

  // Columns begin..end-1, which all have this label.
  ANGIO_HD void blend_run(int y, int begin, int end, Label label) const {
    const std::uint8_t* colour = args.colours + 3 * ((label - 1) % args.colour_count);
    const int rest = 256 - args.alpha;
    const int red = colour[0] * args.alpha + 128, green = colour[1] * args.alpha + 128;
    const int blue = colour[2] * args.alpha + 128;
    std::uint8_t* __restrict rgb = args.rgb.row(y) + 3 * static_cast<std::ptrdiff_t>(begin);
    for (int x = begin; x < end; ++x, rgb += 3) {
      if (!shown(y, x, label)) continue;
      rgb[0] = static_cast<std::uint8_t>((rgb[0] * rest + red) >> 8);
      rgb[1] = static_cast<std::uint8_t>((rgb[1] * rest + green) >> 8);
      rgb[2] = static_cast<std::uint8_t>((rgb[2] * rest + blue) >> 8);
    }
  }

  struct Row {
    const Colour* colour;
    int y;

    ANGIO_HD void operator()(int x) const { colour->blend(y, x); }
  };

  ANGIO_HD Row row(int y) const { return {this, y}; }
};

#ifndef __CUDACC__
// Most of a frame has no label: the CPU skips eight bytes of them at a time, and takes runs of one
// label at once.
template <typename Label>
int skip_unlabelled(const Label* labels, int x, int cols) {
  constexpr int kBlock = 8 / sizeof(Label);
  for (std::uint64_t any = 0; x + kBlock <= cols; x += kBlock) {
    memcpy(&any, labels + x, sizeof any);
    if (any != 0) break;
  }
  while (x < cols && labels[x] <= 0) ++x;
  return x;
}

template <typename T, typename Label>
void colour_labels(Stream, const Overlay<T, Label>& args) {
  const Colour<T, Label> colour{args};
  const int cols = args.labels.cols;
  for (int y = 0; y < args.labels.rows; ++y) {
    const Label* labels = args.labels.row(y);
    for (int x = skip_unlabelled(labels, 0, cols); x < cols; x = skip_unlabelled(labels, x, cols)) {
      const int begin = x;
      while (x < cols && labels[x] == labels[begin]) ++x;
      colour.blend_run(y, begin, x, labels[begin]);
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
