#include "core/for_each_pixel.h"
#include "kernels/subtract.h"
#include "kernels/subtract_value.h"
#ifndef __CUDACC__
#include "kernels/subtract_rows.h"
#endif

namespace angio {
namespace {

// The same size, nothing shifted.
template <typename T, Value value, bool inverted>
struct Same {
  Subtract<T> args;

  struct Row {
    const T* __restrict frame;
    const T* __restrict mask;
    float* __restrict output;
    int white;
    Window window;

    ANGIO_HD void operator()(int x) const {
      const float f = static_cast<float>(stored<inverted>(frame[x], white));
      const float m = has_mask(value) ? static_cast<float>(stored<inverted>(mask[x], white)) : 0.0f;
      output[x] = windowed(window, combine<value>(f, m));
    }
  };

  ANGIO_HD Row row(int y) const {
    return {args.frame.row(y), has_mask(value) ? args.mask.row(y) : nullptr, args.output.row(y),
            args.white, known(args.window)};
  }
};

// Half the size in both directions, nothing shifted. Four integers add up exactly, and the mean of
// four logarithms is one logarithm of a product.
template <typename T, Value value, bool inverted>
struct Half {
  Subtract<T> args;

  struct Row {
    const T* __restrict upper;
    const T* __restrict lower;
    const T* __restrict upper_mask;
    const T* __restrict lower_mask;
    float* __restrict output;
    int white;
    Window window;

    ANGIO_HD int sum(const T* a, const T* b, int x) const {
      const Pair<T> above(a, x), below(b, x);
      return stored<inverted>(above.one, white) + stored<inverted>(above.other, white) +
             stored<inverted>(below.one, white) + stored<inverted>(below.other, white);
    }

    ANGIO_HD float one_more(int pixel) const {
      return static_cast<float>(stored<inverted>(pixel, white) + 1);
    }

    ANGIO_HD float product(const T* a, const T* b, int x) const {
      const Pair<T> above(a, x), below(b, x);
      return (one_more(above.one) * one_more(above.other)) *
             (one_more(below.one) * one_more(below.other));
    }

    ANGIO_HD float mean(int x) const {
      if (value == Value::native) return static_cast<float>(sum(upper, lower, x)) * 0.25f;
      if (value == Value::linear)
        return static_cast<float>(sum(upper, lower, x) - sum(upper_mask, lower_mask, x)) * 0.25f;
      const float frame = product(upper, lower, x);
      if (value == Value::native_log) return logarithm(frame) * 0.25f;
      return logarithm(frame / product(upper_mask, lower_mask, x)) * 0.25f;
    }

    ANGIO_HD void operator()(int x) const { output[x] = windowed(window, mean(x)); }
  };

  ANGIO_HD Row row(int y) const {
    const View2D<const T>& mask = has_mask(value) ? args.mask : args.frame;
    return {args.frame.row(2 * y), args.frame.row(2 * y + 1), mask.row(2 * y),
            mask.row(2 * y + 1),   args.output.row(y),        args.white,
            known(args.window)};
  }
};

// Any size, any shift: the definition. The CPU walks rows instead and gets the same bits.
template <typename T, Value value, bool inverted>
struct Any {
  Subtract<T> args;
  Axis rows;
  Axis cols;
  Offset down;
  Offset right;
  float norm;

  ANGIO_HD float mask_at(int y, int x) const {
    const View2D<const T>& mask = args.mask;
    const T* upper = mask.row(clamped(y + down.whole, mask.rows));
    const T* lower = mask.row(clamped(y + down.whole + 1, mask.rows));
    const int left = clamped(x + right.whole, mask.cols);
    const int next = clamped(x + right.whole + 1, mask.cols);
    const float a =
        between(static_cast<float>(stored<inverted>(upper[left], args.white)),
                static_cast<float>(stored<inverted>(lower[left], args.white)), down.part);
    const float b =
        between(static_cast<float>(stored<inverted>(upper[next], args.white)),
                static_cast<float>(stored<inverted>(lower[next], args.white)), down.part);
    return between(a, b, right.part);
  }

  ANGIO_HD float value_at(int y, int x) const {
    const float frame = static_cast<float>(stored<inverted>(args.frame.row(y)[x], args.white));
    return combine<value>(frame, has_mask(value) ? mask_at(y, x) : 0.0f);
  }

  ANGIO_HD float column(const Taps& taps, int x) const {
    float sum = value_at(taps.first, x) * taps.first_weight;
    for (int k = 1; k < taps.count; ++k)
      sum += value_at(taps.first + k, x) * (k == taps.count - 1 ? taps.last_weight : 1.0f);
    return sum;
  }

  struct Row {
    const Any& any;
    Taps vertical;
    float* output;
    Window window;

    ANGIO_HD void operator()(int x) const {
      const Taps horizontal = taps(any.cols, x);
      float sum = any.column(vertical, horizontal.first) * horizontal.first_weight;
      for (int k = 1; k < horizontal.count; ++k)
        sum += any.column(vertical, horizontal.first + k) *
               (k == horizontal.count - 1 ? horizontal.last_weight : 1.0f);
      output[x] = windowed(window, sum * any.norm);
    }
  };

  ANGIO_HD Row row(int y) const {
    return {*this, taps(rows, y), args.output.row(y), known(args.window)};
  }
};

template <typename T, Value value, bool inverted>
void run_any(Stream stream, const Subtract<T>& args) {
  const Axis rows = make_axis(args.frame.rows, args.output.rows, args.resize);
  const Axis cols = make_axis(args.frame.cols, args.output.cols, args.resize);
  const float norm = static_cast<float>(1.0 / (total_weight(rows) * total_weight(cols)));
  const Any<T, value, inverted> any{args,
                                    rows,
                                    cols,
                                    offset_of(args.shift_rows, args.frame.rows),
                                    offset_of(args.shift_cols, args.frame.cols),
                                    norm};
#ifndef __CUDACC__
  if (for_each_row<T, value, inverted>(any)) return;
#endif
  for_each_pixel(stream, args.output.rows, args.output.cols, any);
}

template <typename T, Value value, bool inverted>
void run(Stream stream, const Subtract<T>& args) {
  const int rows = args.output.rows, cols = args.output.cols;
  if (rows == 0 || cols == 0) return;
  const bool shifted = has_mask(value) && (args.shift_rows != 0.0f || args.shift_cols != 0.0f);
  const bool same = args.frame.rows == rows && args.frame.cols == cols;
  const bool half =
      args.resize == Resize::area && args.frame.rows == 2 * rows && args.frame.cols == 2 * cols;
  if (same && !shifted) return for_each_pixel(stream, rows, cols, Same<T, value, inverted>{args});
  if (half && !shifted) return for_each_pixel(stream, rows, cols, Half<T, value, inverted>{args});
  run_any<T, value, inverted>(stream, args);
}

template <typename T, Value value>
void run(Stream stream, const Subtract<T>& args) {
  if (args.inverted) return run<T, value, true>(stream, args);
  run<T, value, false>(stream, args);
}

}  // namespace

template <Target target, typename T>
void subtract_on(Stream stream, const Subtract<T>& args) {
  switch (args.value) {
    case Value::native:
      return run<T, Value::native>(stream, args);
    case Value::native_log:
      return run<T, Value::native_log>(stream, args);
    case Value::linear:
      return run<T, Value::linear>(stream, args);
    case Value::log:
      return run<T, Value::log>(stream, args);
  }
}

template void subtract_on<kTarget>(Stream, const Subtract<std::uint8_t>&);
template void subtract_on<kTarget>(Stream, const Subtract<std::uint16_t>&);

}  // namespace angio
