#include "kernels/band_contacts.h"

#include <algorithm>

namespace angio {
namespace {

struct Step {
  int z, y;
};

// An earlier band that a band may touch: which of its rows may meet which rows of the other, all
// counted from the band's first row. `diagonal`: pixels in neighbouring columns touch as well.
struct Contact {
  Step band;
  Step near[2], far[2];
  bool diagonal;
};

struct Contacts {
  const Contact* first;
  int count;
};

constexpr Contact kCross[] = {{{0, -1}, {{0, 0}, {0, 0}}, {{0, -1}, {0, -1}}, false},
                              {{-1, 0}, {{0, 0}, {0, 0}}, {{-1, 0}, {-1, 0}}, false}};
constexpr Contact kEdges[] = {{{0, -1}, {{0, 0}, {0, 0}}, {{0, -1}, {0, -1}}, true},
                              {{-1, 0}, {{0, 0}, {0, 0}}, {{-1, 0}, {-1, 0}}, true},
                              {{-1, 0}, {{0, 1}, {0, 1}}, {{-1, 1}, {-1, 1}}, true},
                              {{-1, 0}, {{0, 0}, {0, 0}}, {{-1, 1}, {-1, 1}}, false},
                              {{-1, 0}, {{0, 1}, {0, 1}}, {{-1, 0}, {-1, 0}}, false},
                              {{-1, -1}, {{0, 0}, {0, 0}}, {{-1, -1}, {-1, -1}}, false},
                              {{-1, 1}, {{0, 1}, {0, 1}}, {{-1, 2}, {-1, 2}}, false}};
constexpr Contact kPairs[] = {{{0, -1}, {{0, 0}, {0, 0}}, {{0, -1}, {0, -1}}, true}};
constexpr Contact kQuads[] = {{{0, -1}, {{0, 0}, {1, 0}}, {{0, -1}, {1, -1}}, true},
                              {{-1, 0}, {{0, 0}, {0, 1}}, {{-1, 0}, {-1, 1}}, true},
                              {{-1, -1}, {{0, 0}, {0, 0}}, {{-1, -1}, {-1, -1}}, true},
                              {{-1, 1}, {{0, 1}, {0, 1}}, {{-1, 2}, {-1, 2}}, true}};

Contacts contacts(const Bands& bands, Connectivity connectivity) {
  if (bands.slices_each == 2) return {kQuads, 4};
  if (connectivity == 18) return {kEdges, 7};
  if (bands.rows_each == 2) return {kPairs, 1};
  return {kCross, 2};
}

// The columns that one or two rows of a band show to its neighbour.
struct Face {
  const std::uint64_t* one;
  const std::uint64_t* other;

  std::uint64_t word(std::ptrdiff_t w) const { return one[w] | other[w]; }
};

struct Meeting {
  Face near, far;
  const int* near_edges;
  const int* far_edges;
  std::uint32_t near_run, far_run;  // of the first edges
  int start, stop;                  // the columns in which the two can touch
};

// A cursor over the runs of a band, that only moves to the right.
struct Cursor {
  const int* edges;
  std::uint32_t run;

  int stop() const { return edges[1]; }
  void move_to(int x) {
    while (stop() <= x) {
      edges += 2;
      ++run;
    }
  }
};

// Words of a face, with what its neighbouring columns add where diagonals touch.
template <bool diagonal>
struct Reach {
  std::uint64_t left = 0, same = 0, right = 0;  // the far pixel at column x - 1, x, x + 1

  Reach(const Face& face, std::ptrdiff_t w) : same(face.word(w)) {
    if (!diagonal) return;
    left = same << 1 | face.word(w - 1) >> 63;
    right = same >> 1 | face.word(w + 1) << 63;
  }
  std::uint64_t any() const { return left | same | right; }
  int lowest(int x, int bit) const { return left >> bit & 1 ? x - 1 : same >> bit & 1 ? x : x + 1; }
  int highest(int x, int bit) const {
    return right >> bit & 1 ? x + 1 : same >> bit & 1 ? x : x - 1;
  }
};

// One union for each pair of runs that touch (and one more per word that both go through).
template <bool diagonal>
void meet(const Meeting& m, const UnionFind& sets) {
  Cursor near{m.near_edges, m.near_run}, far{m.far_edges, m.far_run};
  std::ptrdiff_t settled = m.start;  // columns before this one have nothing more to tell
  for (std::ptrdiff_t w = settled / 64; 64 * w < m.stop; w = std::max(w + 1, settled / 64)) {
    const Reach<diagonal> reach(m.far, w);
    std::uint64_t touching = m.near.word(w) & reach.any();
    if (settled > 64 * w) touching &= ~std::uint64_t(0) << (settled - 64 * w);
    while (touching) {
      const int bit = __builtin_ctzll(touching);
      const int x = int(64 * w + bit);
      near.move_to(x);
      far.move_to(reach.lowest(x, bit));
      sets.unite(near.run, far.run);
      const int highest = reach.highest(x, bit);
      if (diagonal && far.stop() <= highest) {
        far.move_to(highest);
        sets.unite(near.run, far.run);
      }
      settled = std::max(x + 1, std::min(near.stop(), far.stop()));
      if (settled >= 64 * (w + 1)) break;
      touching &= ~std::uint64_t(0) << (settled - 64 * w);
    }
  }
}

Face face_of(const BandedRuns& runs, const std::uint64_t* band, const Step (&rows)[2]) {
  const auto row = [&](const Step& step) {
    return band + step.z * runs.bands.plane() + step.y * runs.bands.pitch();
  };
  return {row(rows[0]), row(rows[1])};
}

void meet(const BandedRuns& runs, std::ptrdiff_t z, std::ptrdiff_t y, const Contact& contact,
          const UnionFind& sets) {
  const Bands& bands = runs.bands;
  const std::ptrdiff_t other_z = z + contact.band.z, other_y = y + contact.band.y;
  if (other_z < 0 || other_y < 0 || other_y >= bands.down()) return;
  const std::uint32_t* first = runs.first + z * bands.down() + y;
  const std::uint32_t* other = runs.first + other_z * bands.down() + other_y;
  if (other[0] == other[1]) return;
  const auto edges = [&](std::uint32_t run) { return runs.edges + 2 * std::size_t(run); };
  const int wider = contact.diagonal ? 1 : 0;
  const int start = std::max(edges(first[0])[0], edges(other[0])[0] - wider);
  const int stop = std::min(edges(first[1])[-1], edges(other[1])[-1] + wider);
  if (start >= stop) return;
  const std::uint64_t* band =
      runs.bits + z * bands.slices_each * bands.plane() + y * bands.rows_each * bands.pitch();
  const Meeting meeting{face_of(runs, band, contact.near),
                        face_of(runs, band, contact.far),
                        edges(first[0]),
                        edges(other[0]),
                        first[0],
                        other[0],
                        start,
                        stop};
  if (contact.diagonal)
    meet<true>(meeting, sets);
  else
    meet<false>(meeting, sets);
}

}  // namespace

Bands cut_into_bands(int depth, int rows, int cols, Connectivity connectivity) {
  const bool diagonal = connectivity != 4 && connectivity != 6;
  return {depth, rows, cols, connectivity == 26 && depth > 1 ? 2 : 1, diagonal ? 2 : 1};
}

void unite_touching(const BandedRuns& runs, Connectivity connectivity, const UnionFind& sets) {
  const Contacts list = contacts(runs.bands, connectivity);
  const std::uint32_t* first = runs.first;
  for (std::ptrdiff_t z = 0; z < runs.bands.deep(); ++z)
    for (std::ptrdiff_t y = 0; y < runs.bands.down(); ++y, ++first) {
      if (first[0] == first[1]) continue;
      for (int i = 0; i < list.count; ++i) meet(runs, z, y, list.first[i], sets);
    }
}

}  // namespace angio
