#include "kernels/runs.h"

#include "core/pixel_bits.h"

namespace angio {
namespace {

// One row of a band; the rows that pad the last band have no pixels and all their bits are zero.
struct BandRow {
  const std::uint8_t* pixels;
  std::uint64_t* bits;
  std::uint64_t exists;  // all ones, or zero
};

// The last word of a row of which only `left` pixels are there.
std::uint64_t last_bits(const std::uint8_t* row, int cols, int left) {
  if (cols >= 64) return pixel_bits(row + cols - 64) >> (64 - left);
  std::uint8_t padded[64] = {};
  for (int x = 0; x < cols; ++x) padded[x] = row[x];
  return pixel_bits(padded);
}

struct Edges {
  int* next;
  std::uint64_t last = 0;  // whether the column before this word is set

  void take(int x, std::uint64_t columns) {
    std::uint64_t turns = columns ^ (columns << 1 | last);
    last = columns >> 63;
    for (; turns; turns &= turns - 1) *next++ = x + __builtin_ctzll(turns);
  }
};

template <int kRows>
int* scan_band(const BandRow* band, int cols, std::uint64_t flip, int* edges) {
  Edges out{edges};
  const int whole = cols / 64;
  for (int w = 0; w < whole; ++w) {
    std::uint64_t columns = 0;
    for (int i = 0; i < kRows; ++i) {
      const BandRow& row = band[i];
      const std::uint64_t bits =
          (pixel_bits(row.pixels + 64 * std::ptrdiff_t(w)) ^ flip) & row.exists;
      row.bits[w] = bits;
      columns |= bits;
    }
    out.take(64 * w, columns);
  }
  const int left = cols - 64 * whole;
  std::uint64_t columns = 0;
  for (int i = 0; i < kRows && left; ++i) {
    const std::uint64_t there = band[i].exists & ((std::uint64_t(1) << left) - 1);
    band[i].bits[whole] = (last_bits(band[i].pixels, cols, left) ^ flip) & there;
    columns |= band[i].bits[whole];
  }
  if (left) out.take(64 * whole, columns);
  for (int i = 0; i < kRows; ++i) band[i].bits[(cols + std::ptrdiff_t(63)) / 64] = 0;
  if (out.last && left == 0) *out.next++ = cols;
  return out.next;
}

void find_rows(const RunScan& scan, std::ptrdiff_t band, BandRow* out) {
  const Bands& bands = scan.bands;
  const std::ptrdiff_t z0 = band / bands.down() * bands.slices_each;
  const std::ptrdiff_t y0 = band % bands.down() * bands.rows_each;
  for (int dz = 0; dz < bands.slices_each; ++dz)
    for (int dy = 0; dy < bands.rows_each; ++dy) {
      const std::ptrdiff_t z = z0 + dz, y = y0 + dy;
      const bool exists = z < bands.depth && y < bands.rows;
      *out++ = {exists ? scan.mask.row(int(z), int(y)) : scan.mask.row(int(z0), int(y0)),
                scan.bits + z * bands.plane() + y * bands.pitch(),
                exists ? ~std::uint64_t(0) : std::uint64_t(0)};
    }
}

template <int kRows>
void scan_bands(const RunScan& scan) {
  const std::uint64_t flip = scan.background ? ~std::uint64_t(0) : 0;
  int* edges = scan.edges;
  for (std::ptrdiff_t band = scan.band; band < scan.end; ++band) {
    BandRow rows[kRows];
    find_rows(scan, band, rows);
    int* const after = scan_band<kRows>(rows, scan.bands.cols, flip, edges);
    scan.edge_counts[band - scan.band] = std::uint32_t(after - edges);
    edges = after;
  }
}

}  // namespace

template <Target target>
void scan_runs_on(const RunScan& scan) {
  switch (scan.bands.rows_each * scan.bands.slices_each) {
    case 1:
      return scan_bands<1>(scan);
    case 2:
      return scan_bands<2>(scan);
    default:
      return scan_bands<4>(scan);
  }
}

template void scan_runs_on<kTarget>(const RunScan&);

}  // namespace angio
