#include "kernels/thinning.h"

namespace angio {
namespace {

using Word = std::uint64_t;

// Of four truths, per bit: exactly one, at least two, not all.
Word exactly_one(Word a, Word b, Word c, Word d) {
  return ((a ^ b) & ~(c | d)) | ((c ^ d) & ~(a | b));
}
Word two_or_more(Word a, Word b, Word c, Word d) { return (a & b) | (c & d) | ((a | b) & (c | d)); }
Word not_all(Word a, Word b, Word c, Word d) { return ~(a & b & c & d); }

Word west_of(const Word* row, int w) { return row[w] << 1 | row[w - 1] >> 63; }
Word east_of(const Word* row, int w) { return row[w] >> 1 | row[w + 1] << 63; }

// The pixels of word w that a half step deletes; p2 is the north neighbour, then clockwise.
template <int half>
Word doomed_bits(const Word* above, const Word* here, const Word* below, int w) {
  const Word p2 = above[w], p3 = east_of(above, w), p4 = east_of(here, w), p5 = east_of(below, w);
  const Word p6 = below[w], p7 = west_of(below, w), p8 = west_of(here, w), p9 = west_of(above, w);
  const Word crossing =
      exactly_one(~p2 & (p3 | p4), ~p4 & (p5 | p6), ~p6 & (p7 | p8), ~p8 & (p9 | p2));
  const Word n1[4] = {p9 | p2, p3 | p4, p5 | p6, p7 | p8};
  const Word n2[4] = {p2 | p3, p4 | p5, p6 | p7, p8 | p9};
  const Word two =
      two_or_more(n1[0], n1[1], n1[2], n1[3]) & two_or_more(n2[0], n2[1], n2[2], n2[3]);
  const Word three = not_all(n1[0], n1[1], n1[2], n1[3]) | not_all(n2[0], n2[1], n2[2], n2[3]);
  const Word side = half == 0 ? (p2 | p3 | ~p5) & p4 : (p6 | p7 | ~p9) & p8;
  return here[w] & crossing & two & three & ~side;
}

template <int half>
bool doom_row(const BitImage& image, int y, Word* __restrict doomed) {
  const Word *above = image.row(y - 1), *here = image.row(y), *below = image.row(y + 1);
  Word any = 0;
  for (int w = 0; w < image.words; ++w) {
    doomed[w] = doomed_bits<half>(above, here, below, w);
    any |= doomed[w];
  }
  return any != 0;
}

void erase(const Word* __restrict doomed, Word* __restrict row, int words) {
  for (int w = 0; w < words; ++w) row[w] &= ~doomed[w];
}

// The rows of a half step's flags: what is to be looked at, and what was found to change.
constexpr std::uint8_t kWaits = 1, kChanges = 2;

void erase_changes(const Thinning& args, int half, int y) {
  erase(args.doomed + y * args.image.pitch, args.image.row(y), args.image.words);
  args.waiting[half][y] = 0;
  for (int beside = y - 1; beside <= y + 1; ++beside)
    for (auto* waiting : args.waiting) waiting[beside] |= kWaits;
}

template <int half>
bool half_step(const Thinning& args) {
  const BitImage& image = args.image;
  std::uint8_t* rows = args.waiting[half];
  for (int y = 0; y < image.rows; ++y)
    if (rows[y]) rows[y] = doom_row<half>(image, y, args.doomed + y * image.pitch) ? kChanges : 0;
  bool changed = false;
  for (int y = 0; y < image.rows; ++y) {
    if (!(rows[y] & kChanges)) continue;
    erase_changes(args, half, y);
    changed = true;
  }
  return changed;
}

}  // namespace

template <Target target>
void thin_on(const Thinning& args) {
  for (bool changed = true; changed;) {
    changed = half_step<0>(args);
    changed |= half_step<1>(args);
  }
}

template void thin_on<kTarget>(const Thinning&);

}  // namespace angio
