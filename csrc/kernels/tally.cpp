#include "kernels/tally.h"

#include "core/popcount.h"

namespace angio {
namespace {

constexpr int kFar = 0x7fffffff;

int lower(int one, int other) { return one < other ? one : other; }
int higher(int one, int other) { return one > other ? one : other; }

// The sum of the positions of the bits that are set.
int positions(std::uint64_t bits) {
  return popcount(bits & 0xaaaaaaaaaaaaaaaa) + 2 * popcount(bits & 0xcccccccccccccccc) +
         4 * popcount(bits & 0xf0f0f0f0f0f0f0f0) + 8 * popcount(bits & 0xff00ff00ff00ff00) +
         16 * popcount(bits & 0xffff0000ffff0000) + 32 * popcount(bits & 0xffffffff00000000);
}

struct Run {
  int start, stop;
};

// The pixels of one run, row by row of its band.
template <int kSlices, int kRows>
struct Count {
  std::int64_t pixels[kSlices][kRows] = {};
  std::int64_t columns = 0;  // the sum of the pixels' columns

  Count(const std::uint64_t* const (&rows)[kSlices][kRows], const Run& run) {
    for (std::ptrdiff_t w = run.start / 64; 64 * w < run.stop; ++w) {
      const std::uint64_t within = columns_within(w, run.start, run.stop);
      for (int z = 0; z < kSlices; ++z)
        for (int y = 0; y < kRows; ++y) {
          const std::uint64_t bits = rows[z][y][w] & within;
          const int some = popcount(bits);
          pixels[z][y] += some;
          columns += 64 * w * some + positions(bits);
        }
    }
  }
  std::int64_t of_slice(int z) const { return pixels[z][0] + pixels[z][kRows - 1] * (kRows - 1); }
  std::int64_t of_row(int y) const { return pixels[0][y] + pixels[kSlices - 1][y] * (kSlices - 1); }
};

void extend(Tally& tally, int axis, int start, int stop) {
  tally.start[axis] = lower(tally.start[axis], start);
  tally.stop[axis] = higher(tally.stop[axis], stop);
}

template <int kSlices, int kRows>
void add_run(Tally& tally, int z, int y, const Run& run, const Count<kSlices, kRows>& count) {
  const std::int64_t deep = count.of_slice(kSlices - 1), low = count.of_row(kRows - 1);
  const std::int64_t all = kSlices == 1 ? deep : deep + count.of_slice(0);
  tally.pixels += all;
  tally.sum[0] += all * z + deep * (kSlices - 1);
  tally.sum[1] += all * y + low * (kRows - 1);
  tally.sum[2] += count.columns;
  extend(tally, 0, count.of_slice(0) ? z : z + 1, deep ? z + kSlices : z + 1);
  extend(tally, 1, count.of_row(0) ? y : y + 1, low ? y + kRows : y + 1);
  extend(tally, 2, run.start, run.stop);
}

// One row needs no bits: all columns of its runs are set.
void add_run(Tally& tally, int z, int y, const Run& run) {
  const std::int64_t pixels = run.stop - run.start;
  tally.pixels += pixels;
  tally.sum[0] += pixels * z;
  tally.sum[1] += pixels * y;
  tally.sum[2] += pixels * (std::int64_t(run.start) + run.stop - 1) / 2;
  extend(tally, 0, z, z + 1);
  extend(tally, 1, y, y + 1);
  extend(tally, 2, run.start, run.stop);
}

template <int kSlices, int kRows>
void tally_band(const TallyRuns& args, std::ptrdiff_t z, std::ptrdiff_t y,
                const std::uint32_t* first) {
  const Bands& bands = args.runs.bands;
  const std::uint64_t* rows[kSlices][kRows];
  for (int dz = 0; dz < kSlices; ++dz)
    for (int dy = 0; dy < kRows; ++dy)
      rows[dz][dy] = args.runs.bits + (z + dz) * bands.plane() + (y + dy) * bands.pitch();
  for (std::size_t i = first[0]; i < first[1]; ++i) {
    Tally& tally = args.tallies[args.label_of_root[args.roots[i]] - 1];
    const Run run{args.runs.edges[2 * i], args.runs.edges[2 * i + 1]};
    if (kSlices * kRows == 1)
      add_run(tally, int(z), int(y), run);
    else
      add_run<kSlices, kRows>(tally, int(z), int(y), run, {rows, run});
  }
}

template <int kSlices, int kRows>
void tally_bands(const TallyRuns& args) {
  const std::uint32_t* first = args.runs.first;
  for (std::ptrdiff_t z = 0; z < args.runs.bands.deep(); ++z)
    for (std::ptrdiff_t y = 0; y < args.runs.bands.down(); ++y, ++first)
      tally_band<kSlices, kRows>(args, z * kSlices, y * kRows, first);
}

}  // namespace

template <Target target>
void tally_runs_on(const TallyRuns& args) {
  for (std::uint32_t i = 0; i < args.count; ++i)
    args.tallies[i] = {0, {0, 0, 0}, {kFar, kFar, kFar}, {0, 0, 0}};
  if (args.runs.bands.slices_each == 2) return tally_bands<2, 2>(args);
  if (args.runs.bands.rows_each == 2) return tally_bands<1, 2>(args);
  tally_bands<1, 1>(args);
}

template void tally_runs_on<kTarget>(const TallyRuns&);

}  // namespace angio
