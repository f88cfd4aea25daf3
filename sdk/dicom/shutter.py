"""Shutters and collimators, and the pixels they leave."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdk.dicom.header import Header, describe
from sdk.errors import DicomError

Pixels = NDArray[np.uint8]
KINDS = ("Shutter", "Collimator")
EDGES = ("UpperHorizontal", "LeftVertical", "LowerHorizontal", "RightVertical")
SHAPES = (
    "{}Shape",
    *(f"{{}}{edge}Edge" for edge in EDGES),
    "CenterOfCircular{}",
    "RadiusOfCircular{}",
    "VerticesOfThePolygonal{}",
)
"""Attributes of a shutter or collimator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutter:
    """Up to three shapes; a pixel whose centre lies in all of them is irradiated.

    Display shutter (DICOM PS3.3 C.7.6.11) and X-ray collimator (C.8.7.3) are described alike.
    Coordinates are pixel centres from 0; edges and rims belong to the inside.

    Attributes:
        rectangle: (top, left, bottom, right).
        circle: (row, column, radius).
        polygon: (row, column) of each vertex, closed from the last to the first.
    """

    rectangle: tuple[float, float, float, float] | None = None
    circle: tuple[float, float, float] | None = None
    polygon: tuple[tuple[float, float], ...] = ()

    def irradiated(self, shape: tuple[int, int]) -> Pixels:
        """(rows, columns) uint8, 1 inside and 0 outside."""
        row, column = np.ogrid[: shape[0], : shape[1]]
        inside = np.ones(shape, np.bool_)
        if self.rectangle:
            top, left, bottom, right = self.rectangle
            inside &= (row >= top) & (row <= bottom) & (column >= left) & (column <= right)
        if self.circle:
            centre_row, centre_column, radius = self.circle
            half_squared = radius**2 - (row - centre_row) ** 2
            half = np.where(half_squared < 0, -1, np.sqrt(np.maximum(half_squared, 0)))
            inside &= abs(column - centre_column) <= half
        if self.polygon:
            inside &= _inside_polygon(self.polygon, shape)
        return inside.view(np.uint8)


def _inside_polygon(vertices: tuple[tuple[float, float], ...], shape: tuple[int, int]) -> Any:
    """Even-odd rule; an edge flips all pixels of a row from where it crosses it."""
    flips = np.zeros((shape[0], shape[1] + 1), np.uint8)
    outline = np.zeros(shape, np.bool_)
    for (row_a, column_a), (row_b, column_b) in zip(
        vertices, (*vertices[1:], vertices[0]), strict=True
    ):
        (top, left), (bottom, right) = sorted([(row_a, column_a), (row_b, column_b)])
        first, last = max(0, int(np.ceil(top))), min(shape[0] - 1, int(np.floor(bottom)))
        if top == bottom:
            if top == first <= last:
                low, high = sorted((left, right))
                outline[first, max(0, int(np.ceil(low))) : max(0, int(np.floor(high)) + 1)] = True
            continue
        rows = np.arange(first, last + 1)
        crossing = left + (rows - top) * (right - left) / (bottom - top)  # whole where it is whole
        on = (crossing == np.floor(crossing)) & (crossing >= 0) & (crossing < shape[1])
        outline[rows[on], crossing[on].astype(np.intp)] = True
        half_open = rows < bottom  # a vertex belongs to one of its two edges
        columns = np.clip(np.ceil(crossing[half_open]), 0, shape[1]).astype(np.intp)
        flips[rows[half_open], columns] ^= 1
    return np.bitwise_xor.accumulate(flips[:, :-1], axis=1).view(np.bool_) | outline


def read_shutters(header: Header) -> list[Shutter]:
    """The display shutter and the collimator of a file, those that it has."""
    header.check_steady(keyword.format(kind) for kind in KINDS for keyword in SHAPES)
    return [
        shutter
        for kind in KINDS
        if (shutter := _read(header.of_frame(f"{kind}Shape"), kind)) is not None
    ]


def read_irradiated(header: Header, shape: tuple[int, int]) -> Pixels | None:
    """(rows, columns) uint8, non-zero where shutter and collimator let pass; None without them.

    Raises:
        DicomError: a shape is incomplete or changes inside the run, or nothing is left.
    """
    shutters = read_shutters(header)
    if not shutters:
        return None
    inside: Pixels = np.bitwise_and.reduce([shutter.irradiated(shape) for shutter in shutters])
    if not inside.any():
        kinds = [kind for kind in KINDS if header.of_frame(f"{kind}Shape").texts(f"{kind}Shape")]
        named = " and ".join(describe(f"{kind}Shape") for kind in kinds)
        raise DicomError(
            f"{header.path}: {named} leaves none of the {shape[0]} x {shape[1]} pixels; correct it"
        )
    inside.flags.writeable = False
    return inside


def _read(header: Header, kind: str) -> Shutter | None:
    shapes = header.texts(f"{kind}Shape")
    if not shapes:
        return None
    known = {"RECTANGULAR", "CIRCULAR", "POLYGONAL"}
    if not known.issuperset(shapes):
        problem = f"must be of {sorted(known)}, got {header.shown(f'{kind}Shape')}"
        header.refuse(f"{kind}Shape", problem, "remove or correct it")
    return Shutter(
        rectangle=_rectangle(header, kind) if "RECTANGULAR" in shapes else None,
        circle=_circle(header, kind) if "CIRCULAR" in shapes else None,
        polygon=_polygon(header, kind) if "POLYGONAL" in shapes else (),
    )


def _rectangle(header: Header, kind: str) -> tuple[float, float, float, float]:
    top, left, bottom, right = (header.integer(f"{kind}{edge}Edge") - 1 for edge in EDGES)
    return top, left, bottom, right


def _circle(header: Header, kind: str) -> tuple[float, float, float]:
    centre = _exactly(header, f"CenterOfCircular{kind}", 2)
    radius = header.integer(f"RadiusOfCircular{kind}")
    return centre[0] - 1, centre[1] - 1, radius


def _exactly(header: Header, keyword: str, count: int) -> tuple[float, ...]:
    numbers = header.numbers(keyword)
    if len(numbers) != count:
        header.refuse(
            keyword, f"must be {count} numbers, got {header.shown(keyword)}", "correct it"
        )
    return numbers


def _polygon(header: Header, kind: str) -> tuple[tuple[float, float], ...]:
    keyword = f"VerticesOfThePolygonal{kind}"
    numbers = header.numbers(keyword)
    if len(numbers) % 2 or len(numbers) < 6:
        header.refuse(
            keyword, f"must be at least 3 pairs, got {len(numbers)} numbers", "correct it"
        )
    return tuple(
        (row - 1, column - 1) for row, column in zip(numbers[::2], numbers[1::2], strict=True)
    )
