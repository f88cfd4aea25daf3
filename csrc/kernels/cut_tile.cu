#include "core/for_each_pixel.h"
#include "kernels/cut_tile.h"

namespace angio {
namespace {

constexpr float kNoPhase = 0.5f;
constexpr float kTurn = 6.28318530717958647692f;

// Where a fine slice lies: between a slice of the volume and the next.
struct Place {
  int lower;
  float part;  // of the next
};

ANGIO_HD inline Place place_of(const CutTile& args, int k) {
  const double position = (args.origin[0] + k) * args.slice_ratio;
  const int lower = static_cast<int>(position);
  return {lower - args.first[0], static_cast<float>(position - lower)};
}

ANGIO_HD inline float clipped(float value) {
  return value < 0.0f ? 0.0f : (value > 1.0f ? 1.0f : value);
}

// The voxels of the tile that lie in the part, along (z, y, x).
struct Inside {
  int begin[3];
  int end[3];

  bool is_whole(const View3D<float>& tile) const {
    return begin[0] == 0 && begin[1] == 0 && begin[2] == 0 && end[0] == tile.depth &&
           end[1] == tile.rows && end[2] == tile.cols;
  }
};

// Whether a fine slice has a share of this slice or a later one.
inline bool reaches(const Place& place, int slice) {
  return place.lower >= slice || (place.lower == slice - 1 && place.part > 0.0f);
}

// Fine slices are in order, and so are their slices in the volume.
inline void find_slices(const CutTile& args, Inside& inside) {
  int begin = args.origin[0] < 0 ? -args.origin[0] : 0;
  int end = args.slices - args.origin[0];
  if (end > args.tile.depth) end = args.tile.depth;
  while (begin < end && !reaches(place_of(args, begin), 0)) ++begin;
  while (begin < end && place_of(args, end - 1).lower >= args.swi.depth) --end;
  inside.begin[0] = begin;
  inside.end[0] = end > begin ? end : begin;
}

inline Inside inside_of(const CutTile& args) {
  Inside inside;
  find_slices(args, inside);
  const int sizes[] = {args.tile.rows, args.tile.cols}, parts[] = {args.swi.rows, args.swi.cols};
  for (int axis = 1; axis < 3; ++axis) {
    const int from = args.first[axis] - args.origin[axis], to = from + parts[axis - 1];
    const int begin = from < 0 ? 0 : from, end = to < sizes[axis - 1] ? to : sizes[axis - 1];
    inside.begin[axis] = begin;
    inside.end[axis] = end > begin ? end : begin;
  }
  return inside;
}

struct Blank {
  View3D<float> tile;
  std::ptrdiff_t channel_step;

  struct Row {
    float* __restrict swi;
    float* __restrict phase;

    ANGIO_HD void operator()(int x) const {
      swi[x] = 0.0f;
      phase[x] = kNoPhase;
    }
  };

  ANGIO_HD Row row(int i) const {
    float* const swi = tile.row(i / tile.rows, i % tile.rows);
    return {swi, swi + channel_step};
  }
};

struct Seen {
  CutTile args;
  Inside inside;

  // Two slices of the volume and their weights. Phase is interpolated as its distance from `none`,
  // so that there is exactly none where no slice has any.
  struct Row {
    const float* __restrict swi[2];
    const float* __restrict phase[2];
    const std::uint8_t* __restrict brain[2];
    float* __restrict swi_out;
    float* __restrict phase_out;
    float low, width, none;
    float weight[2];

    ANGIO_HD float swi_at(int i, int x) const {
      const float value = clipped((swi[i][x] - low) / width);
      return brain[i][x] ? value : 0.0f;
    }

    ANGIO_HD float phase_at(int i, int x) const {
      const float value = clipped(phase[i][x] / kTurn + kNoPhase);
      return brain[i][x] ? value : kNoPhase;
    }

    ANGIO_HD void operator()(int x) const {
      swi_out[x] = weight[0] * swi_at(0, x) + weight[1] * swi_at(1, x);
      phase_out[x] =
          none + weight[0] * (phase_at(0, x) - none) + weight[1] * (phase_at(1, x) - none);
    }
  };

  ANGIO_HD Row row(int i) const {
    const int rows = inside.end[1] - inside.begin[1];
    const int k = inside.begin[0] + i / rows, y = inside.begin[1] + i % rows;
    const Place place = place_of(args, k);
    const int after = place.lower + 1;
    const bool has_lower = place.lower >= 0,
               has_after = place.part > 0.0f && after < args.swi.depth;
    const int z[] = {has_lower ? place.lower : after, has_after ? after : place.lower};
    const int there = y + args.origin[1] - args.first[1];
    const int left = inside.begin[2] + args.origin[2] - args.first[2];
    float* const out = args.tile.row(k, y) + inside.begin[2];
    return {{args.swi.row(z[0], there) + left, args.swi.row(z[1], there) + left},
            {args.phase.row(z[0], there) + left, args.phase.row(z[1], there) + left},
            {args.brain.row(z[0], there) + left, args.brain.row(z[1], there) + left},
            out,
            out + args.channel_step,
            args.low,
            args.width,
            args.slice_ratio == 1.0 ? 0.0f : kNoPhase,  // voxels as they are
            {has_lower ? 1.0f - place.part : 0.0f, has_after ? place.part : 0.0f}};
  }
};

struct Coordinates {
  CutTile args;

  ANGIO_HD float along(int axis, int i) const {
    const double steps = args.origin[axis] + i - args.box_first[axis];
    return static_cast<float>(2.0 * steps / args.box_span[axis] - 1.0);
  }

  struct Row {
    const Coordinates* coordinates;
    float* __restrict out;
    float z, y;

    ANGIO_HD void operator()(int x) const {
      const std::ptrdiff_t step = coordinates->args.channel_step;
      out[x] = z;
      out[x + step] = y;
      out[x + 2 * step] = coordinates->along(2, x);
    }
  };

  ANGIO_HD Row row(int i) const {
    const int z = i / args.tile.rows, y = i % args.tile.rows;
    return {this, args.tile.row(z, y) + 2 * args.channel_step, along(0, z), along(1, y)};
  }
};

}  // namespace

template <Target target>
void cut_tile_on(Stream stream, const CutTile& args) {
  const View3D<float>& tile = args.tile;
  const Inside inside = args.swi.depth > 0 ? inside_of(args) : Inside{};
  if (!inside.is_whole(tile))
    for_each_pixel(stream, tile.depth * tile.rows, tile.cols, Blank{tile, args.channel_step});
  const int rows = inside.end[1] - inside.begin[1];
  if (rows > 0)
    for_each_pixel(stream, (inside.end[0] - inside.begin[0]) * rows,
                   inside.end[2] - inside.begin[2], Seen{args, inside});
  if (args.channels == 5)
    for_each_pixel(stream, tile.depth * tile.rows, tile.cols, Coordinates{args});
}

template void cut_tile_on<kTarget>(Stream, const CutTile&);

}  // namespace angio
