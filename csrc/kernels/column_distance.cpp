#include "kernels/column_distance.h"

namespace angio {
namespace {

std::uint16_t one_more(std::uint16_t distance) {
  return distance == kNoBackground ? kNoBackground : std::uint16_t(distance + 1);
}

// All bits, or none; a mask where a choice would keep the loop from being vectorised.
std::uint16_t where_set(std::uint8_t mask) { return std::uint16_t(-(mask != 0)); }

void start(const std::uint8_t* __restrict mask, std::uint16_t* __restrict row, int cols) {
  for (int x = 0; x < cols; ++x) row[x] = where_set(mask[x]);
}

void carry_down(const std::uint8_t* __restrict mask, const std::uint16_t* __restrict above,
                std::uint16_t* __restrict row, int cols) {
  for (int x = 0; x < cols; ++x) row[x] = one_more(above[x]) & where_set(mask[x]);
}

void carry_up(const std::uint16_t* __restrict below, std::uint16_t* __restrict row, int cols) {
  for (int x = 0; x < cols; ++x) {
    const std::uint16_t other = one_more(below[x]);
    row[x] = other < row[x] ? other : row[x];
  }
}

}  // namespace

template <Target target>
void column_distance_on(const ColumnDistance& args) {
  const auto& [mask, distance] = args;
  if (mask.rows == 0) return;
  start(mask.row(0), distance.row(0), mask.cols);
  for (int y = 1; y < mask.rows; ++y)
    carry_down(mask.row(y), distance.row(y - 1), distance.row(y), mask.cols);
  for (int y = mask.rows - 2; y >= 0; --y)
    carry_up(distance.row(y + 1), distance.row(y), mask.cols);
}

template void column_distance_on<kTarget>(const ColumnDistance&);

}  // namespace angio
