#include "kernels/run_forest.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace angio {

void RunForest::build(const View3D<const std::uint8_t>& mask, Connectivity connectivity,
                      bool background) {
  bands_ = cut_into_bands(mask.depth, mask.rows, mask.cols, connectivity);
  scan(mask, background);
  parent_.reserve(runs_);
  const UnionFind sets{parent_.data()};
  sets.reset(runs_);
  unite_touching(banded(), connectivity, sets);
  sets.flatten(runs_);
}

// Some bands at a time, so that there is memory for the most edges these can have, but never for
// the most that the whole mask could have.
void RunForest::scan(const View3D<const std::uint8_t>& mask, bool background) {
  const std::ptrdiff_t most = std::ptrdiff_t(bands_.cols) + 2;
  const std::ptrdiff_t step = std::max<std::ptrdiff_t>(1, (1 << 16) / most);
  runs_ = 0;
  if (bands_.depth == 0 || bands_.rows == 0 || bands_.cols == 0) bands_ = Bands{};
  bits_.reserve(bands_.size() + 1);
  bits_[0] = 0;
  first_.reserve(bands_.count() + 1);
  for (std::ptrdiff_t band = 0; band < bands_.count(); band += step) {
    const std::ptrdiff_t end = std::min(band + step, bands_.count());
    edges_.reserve(2 * runs_ + (end - band) * most);
    const RunScan part{mask,
                       background,
                       bands_,
                       bits_.data() + 1,
                       band,
                       end,
                       edges_.data() + 2 * runs_,
                       first_.data() + band};
    dispatch_cpu([&](auto target) { scan_runs_on<target()>(part); });
    number_runs(band, end);
  }
  first_[bands_.count()] = std::uint32_t(runs_);
}

// Turns the numbers of edges that the scan wrote into the first run of each band.
void RunForest::number_runs(std::ptrdiff_t band, std::ptrdiff_t end) {
  for (; band < end; ++band) {
    const std::uint32_t edges = first_[band];
    first_[band] = std::uint32_t(runs_);
    runs_ += edges / 2;
  }
  if (runs_ > std::numeric_limits<std::uint32_t>::max())
    throw std::length_error("the mask has 2^32 runs or more; label it in tiles");
}

bool RunForest::reaches(int z, int y, std::size_t run) const {
  const std::uint64_t* row = bits_.data() + 1 + z * bands_.plane() + y * bands_.pitch();
  const int start = edges_[2 * run], stop = edges_[2 * run + 1];
  for (std::ptrdiff_t w = start / 64; 64 * w < stop; ++w)
    if (row[w] & columns_within(w, start, stop)) return true;
  return false;
}

}  // namespace angio
