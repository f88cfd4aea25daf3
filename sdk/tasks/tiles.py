"""Overlapping tiles of a volume whose cores share it out, so that nothing is answered twice."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Corner = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile.

    Attributes:
        origin: its first voxel (z, y, x) in the volume.
        core_low: (z, y, x) from which on a centre belongs to it; -inf at the volume's border.
        core_high: (z, y, x) from which on it no longer does; inf at the volume's border.
    """

    origin: Corner
    core_low: tuple[float, float, float]
    core_high: tuple[float, float, float]

    def owns(self, centres: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether (n, 3) centres, in voxels of the volume, lie in its core."""
        inside = (centres >= np.array(self.core_low)) & (centres < np.array(self.core_high))
        return np.asarray(inside.all(axis=1))


def plan_tiles(shape: Corner, tile: Corner, halo: int) -> list[Tile]:
    """Tiles that cover a volume, each at least `halo` voxels larger than its core on every side.

    Where the volume is smaller than a tile there is one, which reaches over its end. The last tile
    along an axis ends where the volume does.

    Raises:
        ValueError: the halo leaves no core.
    """
    if halo < 0 or min(tile) <= 2 * halo:
        raise ValueError(f"halo must leave a core of the {tile} tile, got {halo}")
    axes = [_spans(extent, size, halo) for extent, size in zip(shape, tile, strict=True)]
    tiles = []
    for z, y, x in product(*axes):
        tiles.append(Tile((z[0], y[0], x[0]), (z[1], y[1], x[1]), (z[2], y[2], x[2])))
    return tiles


def _spans(extent: int, size: int, halo: int) -> list[tuple[int, float, float]]:
    """(origin, core low, core high) along one axis."""
    count = 1 + max(0, -(-(extent - size) // (size - 2 * halo)))
    last = max(0, extent - size)
    origins = [min(index * (size - 2 * halo), last) for index in range(count)]
    lows = [-np.inf, *(float(origin + halo) for origin in origins[1:])]
    highs = [*lows[1:], np.inf]
    return list(zip(origins, lows, highs, strict=True))
