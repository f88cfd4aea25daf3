#include "kernels/threshold.h"

#include <cstring>

#include "core/taps.h"

namespace angio {
namespace {

constexpr int kTile = 1024;  // mask columns at a time, so that everything stays in the L1 cache

// A logit that weighs nothing does not count, even if it is infinite.
inline float between(float a, float b, float part) {
  return part == 0.0f ? a : a * (1.0f - part) + b * part;
}

// Sums bytes of 0 and 1, eight at a time.
int count_set(const std::uint8_t* bytes, int count) {
  std::uint64_t sums = 0;  // eight sums of at most kTile / 8
  int i = 0;
  for (; i + 8 <= count; i += 8) {
    std::uint64_t word;
    memcpy(&word, bytes + i, sizeof word);
    sums += word;
  }
  int total = 0;
  for (; sums != 0; sums >>= 8) total += static_cast<int>(sums & 255);
  for (; i < count; ++i) total += bytes[i];
  return total;
}

int compare(const float* __restrict logits, float level, int count, std::uint8_t* __restrict mask) {
  for (int i = 0; i < count; ++i) mask[i] = logits[i] >= level;
  return count_set(mask, count);
}

int compare_between(const float* __restrict upper, const float* __restrict lower, float part,
                    float level, int count, std::uint8_t* __restrict mask) {
  const float rest = 1.0f - part;
  for (int i = 0; i < count; ++i) mask[i] = upper[i] * rest + lower[i] * part >= level;
  return count_set(mask, count);
}

// Mask columns begin..begin+count-1 and the logits that they lie between.
struct Columns {
  int begin, count;
  bool same, doubled;
  int first[kTile];
  int second[kTile];
  float part[kTile];

  void fill(const Axis& axis, int start) {
    begin = start;
    count = axis.output - start < kTile ? axis.output - start : kTile;
    same = axis.output == axis.source;
    doubled = axis.output == 2 * axis.source;
    for (int i = 0; i < count && !same; ++i) {
      const Taps t = taps(axis, start + i);
      first[i] = t.first;
      second[i] = t.first + t.count - 1;
      part[i] = t.count == 2 ? t.last_weight : 0.0f;
    }
  }

  float at(const float* logits, int i) const {
    return between(logits[first[i]], logits[second[i]], part[i]);
  }

  void interpolate(const float* __restrict logits, float* __restrict out) const {
    if (doubled) return interpolate_doubled(logits, out);
#pragma GCC ivdep
    for (int i = 0; i < count; ++i) out[i] = at(logits, i);
  }

  // Mask columns 2x-1 and 2x lie one and three quarters of the way from logit x-1 to logit x.
  void interpolate_doubled(const float* __restrict logits, float* __restrict out) const {
    const float* __restrict pair = logits + begin / 2;
#pragma GCC ivdep
    for (int x = 1; x < count / 2; ++x) {
      out[2 * x - 1] = pair[x - 1] * 0.75f + pair[x] * 0.25f;
      out[2 * x] = pair[x - 1] * 0.25f + pair[x] * 0.75f;
    }
    out[0] = at(logits, 0);
    out[count - 1] = at(logits, count - 1);
  }
};

// Rows of logits on the mask's columns, each made once while neighbouring mask rows need it.
class Rows {
 public:
  Rows(const Threshold& args, const Columns& columns) : args_(args), columns_(columns) {}

  const float* row(int y) {
    if (columns_.same) return args_.logits.row(y) + columns_.begin;
    float* made = rows_[y & 1];
    if (made_[y & 1] != y) columns_.interpolate(args_.logits.row(y), made);
    made_[y & 1] = y;
    return made;
  }

 private:
  const Threshold& args_;
  const Columns& columns_;
  int made_[2] = {-1, -1};
  float rows_[2][kTile];
};

std::int64_t fill_columns(const Threshold& args, const Axis& rows, const Columns& columns) {
  Rows logits(args, columns);
  std::int64_t set = 0;
  for (int y = 0; y < rows.output; ++y) {
    const Taps t = taps(rows, y);
    const float* upper = logits.row(t.first);
    std::uint8_t* mask = args.mask.row(y) + columns.begin;
    set += t.count == 1 ? compare(upper, args.level, columns.count, mask)
                        : compare_between(upper, logits.row(t.first + 1), t.last_weight, args.level,
                                          columns.count, mask);
  }
  return set;
}

}  // namespace

template <Target>
std::int64_t threshold_on(const Threshold& args) {
  const Axis rows = make_axis(args.logits.rows, args.mask.rows, Resize::linear);
  const Axis cols = make_axis(args.logits.cols, args.mask.cols, Resize::linear);
  Columns columns;
  std::int64_t set = 0;
  for (int x = 0; x < cols.output; x += kTile) {
    columns.fill(cols, x);
    set += fill_columns(args, rows, columns);
  }
  return set;
}

template std::int64_t threshold_on<kTarget>(const Threshold&);

}  // namespace angio
