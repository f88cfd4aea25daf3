// The CPU's way through `subtract` of any size and shift: values of whole source rows are made once
// in a small buffer, added up by rows, then by columns. Included by subtract.cu only.
#pragma once

#include "kernels/subtract_value.h"

namespace angio {
namespace {

constexpr int kSpan = 2048;  // source columns in the buffers, so that they stay in the L1 cache
constexpr int kTile = 512;   // output columns at a time

// The output columns x0..x0+count-1, made of source columns from..from+span-1.
struct Tile {
  int x0, count, from, span, most_taps;
  int first[kTile];  // relative to `from`
  int last[kTile];
  float first_weight[kTile];
  float last_weight[kTile];

  void fill(const Axis& cols, int begin, int end) {
    x0 = begin;
    count = end - begin;
    from = taps(cols, begin).first;
    span = 0;
    most_taps = 0;
    for (int i = 0; i < count; ++i) {
      const Taps t = taps(cols, begin + i);
      first[i] = t.first - from;
      last[i] = t.first - from + t.count - 1;
      first_weight[i] = t.first_weight;
      last_weight[i] = t.last_weight;
      most_taps = t.count > most_taps ? t.count : most_taps;
      span = last[i] + 1;
    }
  }
};

// Values of source rows, each made once while it is needed by neighbouring output rows.
template <typename T, Value value, bool inverted, typename Any>
class Rows {
 public:
  Rows(const Any& any, int from, int span)
      : any_(any), from_(from), span_(span), shifted_(is_shifted(any)) {}

  const float* row(int y) {
    const int slot = y & 1;
    if (made_[slot] != y) make(y, rows_[slot]);
    made_[slot] = y;
    return rows_[slot];
  }

 private:
  static bool is_shifted(const Any& any) {
    return any.down.whole != 0 || any.right.whole != 0 || any.down.part != 0.0f ||
           any.right.part != 0.0f;
  }

  void make(int y, float* __restrict out) {
    const T* __restrict frame = any_.args.frame.row(y) + from_;
    const int white = any_.args.white;
    if (has_mask(value) && shifted_) sample_mask(y);
    if (has_mask(value) && !shifted_) copy_mask(any_.args.mask.row(y) + from_);
#pragma GCC ivdep
    for (int i = 0; i < span_; ++i)
      out[i] = combine<value>(static_cast<float>(stored<inverted>(frame[i], white)),
                              has_mask(value) ? mask_[i] : 0.0f);
  }

  void copy_mask(const T* __restrict mask) {
    const int white = any_.args.white;
#pragma GCC ivdep
    for (int i = 0; i < span_; ++i) mask_[i] = static_cast<float>(stored<inverted>(mask[i], white));
  }

  void sample_mask(int y) {
    const View2D<const T>& mask = any_.args.mask;
    const T* upper = mask.row(clamped(y + any_.down.whole, mask.rows));
    const T* lower = mask.row(clamped(y + any_.down.whole + 1, mask.rows));
    const int left = from_ + any_.right.whole;  // source column of edges_[0]
    const int begin = clipped(-left), end = clipped(mask.cols - left);
    blend(upper, lower, left, begin, end);
    for (int i = 0; i < begin; ++i) edges_[i] = blended(upper[0], lower[0]);
    for (int i = end; i <= span_; ++i)
      edges_[i] = blended(upper[mask.cols - 1], lower[mask.cols - 1]);
    const float part = any_.right.part;
    for (int i = 0; i < span_; ++i) mask_[i] = between(edges_[i], edges_[i + 1], part);
  }

  void blend(const T* __restrict upper, const T* __restrict lower, int left, int begin, int end) {
    const int white = any_.args.white;
    const float part = any_.down.part;
#pragma GCC ivdep
    for (int i = begin; i < end; ++i)
      edges_[i] = between(static_cast<float>(stored<inverted>(upper[left + i], white)),
                          static_cast<float>(stored<inverted>(lower[left + i], white)), part);
  }

  float blended(T upper, T lower) const {
    const int white = any_.args.white;
    return between(static_cast<float>(stored<inverted>(upper, white)),
                   static_cast<float>(stored<inverted>(lower, white)), any_.down.part);
  }

  int clipped(int i) const { return i < 0 ? 0 : (i > span_ + 1 ? span_ + 1 : i); }

  const Any& any_;
  int from_, span_;
  bool shifted_;
  int made_[2] = {-1, -1};
  float rows_[2][kSpan];
  float mask_[kSpan];
  float edges_[kSpan + 1];
};

inline void add(float* __restrict sums, const float* __restrict values, float weight, int count) {
  for (int i = 0; i < count; ++i) sums[i] += values[i] * weight;
}

inline void set(float* __restrict sums, const float* __restrict values, float weight, int count) {
  for (int i = 0; i < count; ++i) sums[i] = values[i] * weight;
}

// Every tile of one output row has as many steps as its longest tap; the others add 0 times.
inline void gather(const Tile& tile, const float* __restrict columns, float* __restrict sums) {
  for (int i = 0; i < tile.count; ++i) sums[i] = columns[tile.first[i]] * tile.first_weight[i];
  for (int k = 1; k < tile.most_taps; ++k) {
#pragma GCC ivdep
    for (int i = 0; i < tile.count; ++i) {
      const int at = tile.first[i] + k, last = tile.last[i];
      const float weight = at < last ? 1.0f : (at == last ? tile.last_weight[i] : 0.0f);
      sums[i] += columns[at < last ? at : last] * weight;
    }
  }
}

inline void gather_pairs(int count, const float* __restrict columns, float* __restrict sums) {
#pragma GCC ivdep
  for (int i = 0; i < count; ++i) sums[i] = columns[2 * i] + columns[2 * i + 1];
}

template <typename T, Value value, bool inverted, typename Any>
void fill_tile(const Any& any, const Tile& tile) {
  Rows<T, value, inverted, Any> values(any, tile.from, tile.span);
  const bool pairs = any.cols.resize == Resize::area && any.cols.source == 2 * any.cols.output;
  float columns[kSpan], sums[kTile];
  for (int y = 0; y < any.rows.output; ++y) {
    const Taps t = taps(any.rows, y);
    set(columns, values.row(t.first), t.first_weight, tile.span);
    for (int k = 1; k < t.count; ++k)
      add(columns, values.row(t.first + k), k == t.count - 1 ? t.last_weight : 1.0f, tile.span);
    if (pairs)
      gather_pairs(tile.count, columns, sums);
    else
      gather(tile, columns, sums);
    float* __restrict output = any.args.output.row(y) + tile.x0;
    for (int i = 0; i < tile.count; ++i) output[i] = windowed(any.args.window, sums[i] * any.norm);
  }
}

// False where one output pixel covers more source columns than the buffers hold.
template <typename T, Value value, bool inverted, typename Any>
bool for_each_row(const Any& any) {
  if (any.cols.source / any.cols.output > kSpan - 2) return false;
  const int ratio = any.cols.source / any.cols.output + 2;
  const int width = kSpan / ratio < kTile ? kSpan / ratio : kTile;
  Tile tile;
  for (int x = 0; x < any.cols.output; x += width) {
    tile.fill(any.cols, x, x + width < any.cols.output ? x + width : any.cols.output);
    fill_tile<T, value, inverted>(any, tile);
  }
  return true;
}

}  // namespace
}  // namespace angio
