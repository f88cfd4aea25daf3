"""Grids in the head: where the voxels of a phantom lie, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing import TypeAlias

Field = NDArray[np.float32]
"""One number per voxel, (slices, rows, columns)."""
Triple: TypeAlias = tuple[float, float, float]
"""(z, y, x): superior, posterior and left of the centre of the head are positive."""


@dataclass(frozen=True, kw_only=True)
class HeadGrid:
    """Voxels at equal distances, slices axial."""

    first_mm: Triple
    """Centre of the first voxel (z, y, x), in mm from the centre of the head."""
    spacing_mm: Triple
    """Distance of neighbouring voxels along (z, y, x)."""
    shape: tuple[int, int, int]
    """Slices, rows and columns."""

    @classmethod
    def around(cls, centre_mm: Triple, spacing_mm: Triple, shape: tuple[int, int, int]) -> HeadGrid:
        """The grid whose middle lies at a point."""
        first = np.subtract(centre_mm, np.multiply(np.subtract(shape, 1) / 2, spacing_mm))
        return cls(first_mm=triple(first), spacing_mm=spacing_mm, shape=shape)

    def axes(self) -> tuple[Field, Field, Field]:
        """Coordinates in mm along z, y and x, shaped to broadcast against each other."""
        z, y, x = (
            (first + spacing * np.arange(count)).astype(np.float32)
            for first, spacing, count in zip(
                self.first_mm, self.spacing_mm, self.shape, strict=True
            )
        )
        return z[:, None, None], y[None, :, None], x[None, None, :]

    def to_voxel(self, points_mm: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 3) points in mm -> voxels, 0 in the centre of the first."""
        return np.asarray((points_mm - np.array(self.first_mm)) / np.array(self.spacing_mm))

    def to_mm(self, voxels: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 3) voxels -> points in mm."""
        return np.asarray(voxels * np.array(self.spacing_mm) + np.array(self.first_mm))

    def grown(self, voxels: tuple[int, int, int]) -> HeadGrid:
        """So many more voxels on both sides of each axis."""
        first = np.subtract(self.first_mm, np.multiply(voxels, self.spacing_mm))
        slices, rows, columns = np.add(self.shape, np.multiply(2, voxels)).tolist()
        return replace(self, first_mm=triple(first), shape=(slices, rows, columns))

    def finer_slices(self, times: int) -> HeadGrid:
        """Every slice cut into so many thinner ones."""
        dz = self.spacing_mm[0] / times
        first = self.first_mm[0] - self.spacing_mm[0] / 2 + dz / 2
        return HeadGrid(
            first_mm=(first, *self.first_mm[1:]),
            spacing_mm=(dz, *self.spacing_mm[1:]),
            shape=(self.shape[0] * times, *self.shape[1:]),
        )


@dataclass(frozen=True)
class RandomField:
    """A smooth Gaussian random field of the head, the same wherever a grid cuts it."""

    grain_mm: float
    """Distance of the knots of its cubic B-splines."""
    knots: Field
    """Independent normal numbers over a cube of side `SIDE_MM`."""

    SIDE_MM = 260.0

    @classmethod
    def drawn(cls, rng: np.random.Generator, grain_mm: float) -> RandomField:
        """A field of about unit deviation."""
        side = int(np.ceil(cls.SIDE_MM / grain_mm)) + 3
        return cls(grain_mm, rng.standard_normal((side, side, side), np.float32))

    def on(self, grid: HeadGrid) -> Field:
        """Its values on a grid."""
        weights = [self._weights(axis.ravel()) for axis in grid.axes()]
        rows = np.tensordot(self.knots, weights[2], (2, 1))
        rows = np.tensordot(weights[1], rows, (1, 1))  # (y, z knots, x)
        field = np.tensordot(weights[0], rows, (1, 1))
        return np.asarray(field, np.float32)

    def _weights(self, coordinates: Field) -> Field:
        """(n, knots) cubic B-splines, scaled to keep the deviation of the knots."""
        at = (coordinates + self.SIDE_MM / 2) / self.grain_mm + 1
        distance = np.abs(at[:, None] - np.arange(len(self.knots)))
        near = 2 / 3 - distance**2 + distance**3 / 2
        far = np.clip(2 - distance, 0, None) ** 3 / 6
        weights = np.where(distance < 1, near, far)
        return np.asarray(weights / np.sqrt(0.479), np.float32)


def triple(values: NDArray[np.floating]) -> Triple:
    """Three numbers of an array."""
    z, y, x = (float(value) for value in values)
    return z, y, x
