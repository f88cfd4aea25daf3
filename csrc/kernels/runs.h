// The runs of a mask: stretches of foreground (or background) along its rows, found in bits.
//
// Rows are taken in bands: two rows where diagonal neighbours touch (8- and 18-connectivity), two
// rows of each of two slices with 26-connectivity, else one. Any two pixels in the same or in
// neighbouring columns of a band touch, so a run of the band's columns is one connected piece.
// Noise that fills half of a volume has 17 times fewer runs in bands of 2x2 rows than in rows.
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

// The bits of word `w` that are columns from `start` to before `stop`, of which it has some.
static inline std::uint64_t columns_within(std::ptrdiff_t w, int start, int stop) {
  const std::ptrdiff_t skipped = start - 64 * w, kept = stop - 64 * w;
  const std::uint64_t from = ~std::uint64_t(0) << (skipped > 0 ? skipped : 0);
  return from & ~std::uint64_t(0) >> (kept < 64 ? 64 - kept : 0);
}

// What a scan finds.
struct BandedRuns {
  Bands bands;
  const std::uint64_t* bits;
  const int* edges;            // start and stop of each run
  const std::uint32_t* first;  // first run of each band, and the number of runs
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
