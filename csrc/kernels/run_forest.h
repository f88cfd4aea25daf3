// The runs of a mask joined into connected components; its memory is reused from mask to mask.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/buffer.h"
#include "core/view.h"
#include "kernels/band_contacts.h"

namespace angio {

class RunForest {
 public:
  // The components of `mask`, or of its background. Throws std::length_error for 2^32 runs or more.
  void build(const View3D<const std::uint8_t>& mask, Connectivity connectivity, bool background);

  std::size_t runs() const { return runs_; }
  // The first run of the component of `run`.
  std::uint32_t root(std::size_t run) const { return parent_[run]; }
  const std::uint32_t* roots() const { return parent_.data(); }
  BandedRuns banded() const { return {bands_, bits_.data() + 1, edges_.data(), first_.data()}; }

  // Calls visit(z, y, run) for every row, in raster order, and every run of its band.
  template <typename Visit>
  void for_each_run(Visit visit) const;
  // Whether `run` has pixels in that row of its band.
  bool reaches(int z, int y, std::size_t run) const;

  // Calls visit(z, y, start, stop, run) for every stretch of pixels of every row, in raster order;
  // `run` is the run of the row's band that the stretch is part of.
  template <typename Visit>
  void for_each_stretch(Visit visit) const;

 private:
  void scan(const View3D<const std::uint8_t>& mask, bool background);
  void number_runs(std::ptrdiff_t band, std::ptrdiff_t end);

  template <typename Visit>
  void for_each_stretch_of_row(int z, int y, std::size_t run, Visit& visit) const;

  Bands bands_;
  std::size_t runs_ = 0;
  Buffer<std::uint64_t> bits_;   // the first word is zero: what is left of the first row
  Buffer<int> edges_;            // start and stop of each run
  Buffer<std::uint32_t> first_;  // first run of each band, and the number of runs
  Buffer<std::uint32_t> parent_;
};

template <typename Visit>
void RunForest::for_each_run(Visit visit) const {
  for (int z = 0; z < bands_.depth; ++z) {
    const std::uint32_t* slice = first_.data() + z / bands_.slices_each * bands_.down();
    for (int y = 0; y < bands_.rows; ++y) {
      const std::uint32_t* first = slice + y / bands_.rows_each;
      for (std::size_t run = first[0]; run < first[1]; ++run) visit(z, y, run);
    }
  }
}

template <typename Visit>
void RunForest::for_each_stretch(Visit visit) const {
  const bool single = bands_.slices_each * bands_.rows_each == 1;
  for (int z = 0; z < bands_.depth; ++z) {
    const std::uint32_t* slice = first_.data() + z / bands_.slices_each * bands_.down();
    for (int y = 0; y < bands_.rows; ++y) {
      const std::uint32_t* first = slice + y / bands_.rows_each;
      if (first[0] == first[1]) continue;
      if (!single) for_each_stretch_of_row(z, y, first[0], visit);
      for (std::size_t run = first[0]; single && run < first[1]; ++run)
        visit(z, y, edges_[2 * run], edges_[2 * run + 1], std::uint32_t(run));
    }
  }
}

template <typename Visit>
void RunForest::for_each_stretch_of_row(int z, int y, std::size_t run, Visit& visit) const {
  const std::uint64_t* row = bits_.data() + 1 + z * bands_.plane() + y * bands_.pitch();
  const int* stop = edges_.data() + 1;
  std::uint64_t last = 0;
  int start = -1;  // of the stretch that is open
  for (std::ptrdiff_t w = 0; w < bands_.pitch(); ++w) {
    std::uint64_t turns = row[w] ^ (row[w] << 1 | last);
    last = row[w] >> 63;
    for (; turns; turns &= turns - 1) {
      const int x = int(64 * w + __builtin_ctzll(turns));
      if (start >= 0) {
        while (stop[2 * run] < x) ++run;
        visit(z, y, start, x, std::uint32_t(run));
      }
      start = start >= 0 ? -1 : x;
    }
  }
}

}  // namespace angio
