#include "kernels/threshold.h"

#include "core/taps.h"

namespace angio {
namespace {

constexpr int kTile = 512;   // mask columns at a time
constexpr int kSpan = 1024;  // logit columns under them

// A logit that weighs nothing does not count, even if it is infinite.
inline float between(float a, float b, float part) {
  return part == 0.0f ? a : a * (1.0f - part) + b * part;
}

std::int64_t sum(const std::uint8_t* bytes, int count) {
  int total = 0;
  for (int i = 0; i < count; ++i) total += bytes[i];
  return total;
}

void compare_row(const float* __restrict logits, std::uint8_t* __restrict mask, int count,
                 float level) {
  for (int i = 0; i < count; ++i) mask[i] = logits[i] >= level;
}

void blend_rows(const float* __restrict upper, const float* __restrict lower, float part, int count,
                float* __restrict out) {
  for (int i = 0; i < count; ++i) out[i] = between(upper[i], lower[i], part);
}

// Mask columns begin..begin+count-1 and the logits they lie between.
struct Columns {
  int begin, count, from, span;
  int first[kTile];
  int second[kTile];
  float part[kTile];

  void fill(const Axis& axis, int start, int end) {
    begin = start;
    count = end - start;
    from = taps(axis, start).first;
    for (int i = 0; i < count; ++i) {
      const Taps t = taps(axis, start + i);
      first[i] = t.first - from;
      second[i] = first[i] + t.count - 1;
      part[i] = t.count == 2 ? t.last_weight : 0.0f;
    }
    span = second[count - 1] + 1;
  }
};

void compare(const Columns& columns, const float* __restrict row, float level,
             std::uint8_t* __restrict mask) {
#pragma GCC ivdep
  for (int i = 0; i < columns.count; ++i)
    mask[i] = between(row[columns.first[i]], row[columns.second[i]], columns.part[i]) >= level;
}

// Twice the columns: mask columns 2x+1 and 2x+2 lie a quarter and three quarters after logit x.
void compare_doubled(const float* __restrict row, int cols, float level,
                     std::uint8_t* __restrict mask) {
  mask[0] = row[0] >= level;
#pragma GCC ivdep
  for (int x = 0; x < cols - 1; ++x) {
    mask[2 * x + 1] = row[x] * 0.75f + row[x + 1] * 0.25f >= level;
    mask[2 * x + 2] = row[x] * 0.25f + row[x + 1] * 0.75f >= level;
  }
  mask[2 * cols - 1] = row[cols - 1] >= level;
}

// The logits' columns from..from+span-1, interpolated for one row of the mask.
const float* row_of(const Threshold& args, const Taps& t, int from, int span, float* buffer) {
  const float* upper = args.logits.row(t.first) + from;
  if (t.count == 1) return upper;
  blend_rows(upper, args.logits.row(t.first + 1) + from, t.last_weight, span, buffer);
  return buffer;
}

std::int64_t same_size(const Threshold& args) {
  std::int64_t set = 0;
  for (int y = 0; y < args.mask.rows; ++y) {
    compare_row(args.logits.row(y), args.mask.row(y), args.mask.cols, args.level);
    set += sum(args.mask.row(y), args.mask.cols);
  }
  return set;
}

std::int64_t doubled_columns(const Threshold& args, const Axis& rows) {
  float buffer[kSpan];
  std::int64_t set = 0;
  for (int y = 0; y < args.mask.rows; ++y) {
    const float* row = row_of(args, taps(rows, y), 0, args.logits.cols, buffer);
    compare_doubled(row, args.logits.cols, args.level, args.mask.row(y));
    set += sum(args.mask.row(y), args.mask.cols);
  }
  return set;
}

std::int64_t any_size(const Threshold& args, const Axis& rows, const Axis& cols) {
  float buffer[kSpan];
  Columns columns;
  const int ratio = cols.source / cols.output;
  const int width = ratio >= kSpan / 2 - 2 ? 1 : (ratio == 0 ? kTile : kSpan / (ratio + 2));
  std::int64_t set = 0;
  for (int x = 0; x < cols.output; x += width) {
    columns.fill(cols, x, x + width < cols.output ? x + width : cols.output);
    for (int y = 0; y < args.mask.rows; ++y) {
      std::uint8_t* mask = args.mask.row(y) + x;
      compare(columns, row_of(args, taps(rows, y), columns.from, columns.span, buffer), args.level,
              mask);
      set += sum(mask, columns.count);
    }
  }
  return set;
}

}  // namespace

template <Target>
std::int64_t threshold_on(const Threshold& args) {
  const Axis rows = make_axis(args.logits.rows, args.mask.rows, Resize::linear);
  const Axis cols = make_axis(args.logits.cols, args.mask.cols, Resize::linear);
  if (rows.source == rows.output && cols.source == cols.output) return same_size(args);
  if (cols.output == 2 * cols.source && cols.source <= kSpan) return doubled_columns(args, rows);
  return any_size(args, rows, cols);
}

template std::int64_t threshold_on<kTarget>(const Threshold&);

}  // namespace angio
