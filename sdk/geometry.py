"""Source pixel <-> network pixel <-> millimetre, with an exact inverse."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a source image lies inside the network's input: aspect kept, centred, padded.

    Points are (row, column) with (0, 0) in the centre of the first pixel. A source pixel's area
    maps onto the network's grid exactly as area resizing maps it.

    Attributes:
        source: (rows, columns) of the source image.
        network: (rows, columns) of the network's input.
        size: (rows, columns) the source covers inside the network's input.
        origin: (row, column) of its first pixel there.
    """

    source: tuple[int, int]
    network: tuple[int, int]
    size: tuple[int, int]
    origin: tuple[int, int]

    @classmethod
    def fit(
        cls, source: tuple[int, int], network: tuple[int, int], step: tuple[int, int] = (1, 1)
    ) -> "Placement":
        """Scales the source to the largest size that fits the network's input.

        Args:
            source: (rows, columns) of the source image.
            network: (rows, columns) of the network's input.
            step: (rows, columns) that size and origin are multiples of, and the input too.
        """
        scale = min(network[0] / source[0], network[1] / source[1])
        rows, columns = (
            min(whole, max(one, round(pixels * scale / one) * one))
            for pixels, whole, one in zip(source, network, step, strict=True)
        )
        first_row, first_column = (
            (whole - size) // (2 * one) * one
            for whole, size, one in zip(network, (rows, columns), step, strict=True)
        )
        return cls(source, network, (rows, columns), (first_row, first_column))

    def at(self, network: tuple[int, int]) -> "Placement":
        """The same placement on a grid of another size, such as a network's smaller output.

        Exactly the same where size and origin come out whole there, see `step_between`; otherwise
        the nearest.
        """
        scaled = [
            (size * there, origin * there, here)
            for size, origin, there, here in zip(
                self.size, self.origin, network, self.network, strict=True
            )
        ]
        if any(size % here or origin % here for size, origin, here in scaled):
            return Placement.fit(self.source, network)
        (rows, row, here), (columns, column, across) = scaled
        size, origin = (rows // here, columns // across), (row // here, column // across)
        return Placement(self.source, network, size, origin)

    @property
    def window(self) -> tuple[slice, slice]:
        """The part of the network's input that the source covers."""
        (row, column), (rows, columns) = self.origin, self.size
        return slice(row, row + rows), slice(column, column + columns)

    @property
    def scale(self) -> tuple[float, float]:
        """(row, column) network pixels per source pixel."""
        return self.size[0] / self.source[0], self.size[1] / self.source[1]

    def to_network(self, points: ArrayLike) -> Points:
        """Maps (..., 2) source points to network points."""
        source: Points = np.asarray(points, np.float64)
        return np.add((source + 0.5) * self.scale - 0.5, self.origin)

    def to_source(self, points: ArrayLike) -> Points:
        """Maps (..., 2) network points to source points."""
        network: Points = np.asarray(points, np.float64)
        return np.subtract((network - self.origin + 0.5) / self.scale, 0.5)


def step_between(fine: tuple[int, int], coarse: tuple[int, int]) -> tuple[int, int]:
    """Pixels of one grid to a pixel of another, by (rows, columns); 1 where they are not whole."""
    rows, columns = (
        one // other if one % other == 0 else 1 for one, other in zip(fine, coarse, strict=True)
    )
    return rows, columns


def to_mm(points: ArrayLike, pixel_spacing_mm: tuple[float, float]) -> Points:
    """Maps (..., 2) source points to millimetres from the centre of the first pixel."""
    return np.multiply(np.asarray(points, np.float64), pixel_spacing_mm)


def from_mm(points_mm: ArrayLike, pixel_spacing_mm: tuple[float, float]) -> Points:
    """Maps (..., 2) millimetres back to source points."""
    return np.divide(np.asarray(points_mm, np.float64), pixel_spacing_mm)
