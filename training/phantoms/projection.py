"""Projects a vessel tree: thickness of blood, arrival of contrast and truth per pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.phantoms.texture import SUBPIXEL_BITS, Image, subpixels
from training.phantoms.vessel_tree import LABEL_RADIUS, Branch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SUPERSAMPLING = 2
"""Vessels are drawn on a finer grid and averaged down, which gives them soft edges. Lines are a
whole number of these pixels wide: each edge lies up to a third of a pixel too far out."""
SHELLS = (1.0, 0.85, 0.6, 0.3)
"""Nested fractions of the radius that build up a round lumen."""
CHORDS = (0.37, 0.69, 0.89, 0.99)
"""Chord of each shell as a fraction of the diameter, at the middle of the shell."""
PIECE = 4
"""Segments drawn as one line of constant width."""


@dataclass(frozen=True, kw_only=True)
class VesselLayer:
    """A projected tree, all (rows, columns)."""

    thickness: Image
    """Length of the way of the ray through blood, in pixels; overlapping vessels add up."""
    arrival: Image
    """Way of the contrast from the root, as a fraction of the longest way; thickness-weighted."""
    truth: NDArray[np.uint8]
    """1 where a vessel of at least the labelled radius is seen."""


def project(branches: list[Branch], size: int) -> VesselLayer:
    """Draw all branches into a layer of size x size."""
    side = size * SUPERSAMPLING
    thickness, weighted = np.zeros((2, side, side), np.float32)
    truth = np.zeros((side, side), np.uint8)
    longest = max(branch.distance[-1] for branch in branches)
    for branch in branches:
        _draw(branch, longest, thickness, weighted)
        _draw_truth(branch, truth)
    thickness, weighted, covered = (
        cv2.resize(layer, (size, size), interpolation=cv2.INTER_AREA)
        for layer in (thickness, weighted, truth.astype(np.float32))
    )
    return VesselLayer(
        thickness=thickness,
        arrival=weighted / np.maximum(thickness, 1e-3),
        truth=(covered >= 0.5).astype(np.uint8),
    )


def _draw(branch: Branch, longest: float, thickness: Image, weighted: Image) -> None:
    """Add one branch; inside it the shells overwrite each other, so a bend is not counted twice."""
    points = branch.points * SUPERSAMPLING
    reach = float(branch.radii.max()) * SUPERSAMPLING + 2
    low = np.maximum(np.floor(points.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0) + reach), thickness.shape).astype(int)
    if (high <= low).any():
        return
    patch, arrivals = np.zeros((2, *(high - low)), np.float32)
    ends = subpixels(points - low)
    pieces = list(_pieces(branch))
    for shell, chord in zip(SHELLS, CHORDS, strict=True):
        for piece, radius, _ in pieces:
            width = _drawn_width(radius * shell)
            # A line is a whole number of pixels wide: its value makes up for the rounding.
            value = 2 * radius * chord * min(2 * radius * shell * SUPERSAMPLING / width, 1.25)
            _line(patch, ends[piece], width, value)
    for piece, radius, distance in pieces:
        _line(arrivals, ends[piece], _drawn_width(radius), distance / longest)
    window = (slice(low[0], high[0]), slice(low[1], high[1]))
    thickness[window] += patch
    weighted[window] += patch * arrivals


def _draw_truth(branch: Branch, truth: NDArray[np.uint8]) -> None:
    ends = subpixels(branch.points * SUPERSAMPLING)
    for piece, radius, _ in _pieces(branch):
        if radius >= LABEL_RADIUS:
            _line(truth, ends[piece], _drawn_width(radius), 1)


def _pieces(branch: Branch) -> Iterator[tuple[slice, float, float]]:
    """Short pieces of nearly one width: points, radius, distance from the root."""
    count = len(branch.radii)
    for start in range(0, count - 1, PIECE):
        stop = min(start + PIECE, count - 1)
        middle = (start + stop) // 2
        yield (
            slice(start, stop + 1),
            float(branch.radii[middle]),
            float(branch.distance[middle]),
        )


def _line(
    canvas: Image | NDArray[np.uint8], ends: NDArray[np.int32], width: int, value: float
) -> None:
    cv2.polylines(canvas, [ends[:, None]], False, value, width, cv2.LINE_8, SUBPIXEL_BITS)


def _drawn_width(radius: float) -> int:
    return max(1, round(2 * radius * SUPERSAMPLING))
