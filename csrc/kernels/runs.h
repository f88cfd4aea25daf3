// The runs of a mask: stretches of foreground (or background) along its rows, found in bits.
//
// Rows are taken in bands. Where diagonal neighbours touch (8- and 26-connectivity), two rows, or
// two rows of each of two slices, make one band: any two pixels in the same or in neighbouring
// columns of such a band touch, so a run of the band's columns is one connected piece. A band of
// 2x2 rows of noise has 17 times fewer runs than its rows have.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/target.h"
#include "core/view.h"

namespace angio {

// How a volume (an image is a volume of depth 1) is cut into bands, and how its bits are laid out:
// row after row, slice after slice, all padded to whole bands, one zero word after each row.
struct Bands {
  int depth = 0, rows = 0, cols = 0;  // of the mask
  int slices_each = 1, rows_each = 1;

  std::ptrdiff_t down() const { return (std::ptrdiff_t(rows) + rows_each - 1) / rows_each; }
  std::ptrdiff_t deep() const { return (std::ptrdiff_t(depth) + slices_each - 1) / slices_each; }
  std::ptrdiff_t count() const { return down() * deep(); }
  std::ptrdiff_t words() const { return (std::ptrdiff_t(cols) + 63) / 64; }
  std::ptrdiff_t pitch() const { return words() + 1; }
  std::ptrdiff_t plane() const { return down() * rows_each * pitch(); }
  std::ptrdiff_t size() const { return deep() * slices_each * plane(); }
};

struct RunScan {
  View3D<const std::uint8_t> mask;
  bool background;  // runs of zeros instead of runs of what is not zero
  Bands bands;
  std::uint64_t* bits;               // of all rows
  std::ptrdiff_t band = 0, end = 0;  // the bands to scan
  int* edges;                        // start and stop of each run, one after the other
  std::uint32_t* edge_counts;        // edges of each band scanned
};

template <Target>
void scan_runs_on(const RunScan& scan);

}  // namespace angio
