"""Words and rings on pictures, drawn finer than a pixel."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Colour: TypeAlias = tuple[int, int, int]

INK = (18, 18, 18)
"""Behind words."""
PALE = (200, 200, 200)
SUBPIXEL_BITS = 4


def write(
    picture: Picture, words: str, place: tuple[int, int], colour: Colour, scale: float = 0.45
) -> None:
    """Writes ASCII words into an RGB picture, their lower left corner at (column, row)."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, words, place, font, scale, colour, 1, cv2.LINE_AA)


def label(
    picture: Picture, words: str, place: tuple[int, int], colour: Colour, scale: float = 0.4
) -> None:
    """The same on a darkened patch, to be read on any picture; kept inside it."""
    (columns, rows), below = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    left = min(max(place[0], 2), max(picture.shape[1] - columns - 2, 2))
    base = min(max(place[1], rows + 2), picture.shape[0] - below)
    behind = picture[max(base - rows - 2, 0) : base + below, max(left - 2, 0) : left + columns + 2]
    behind[...] = behind // 3
    write(picture, words, (left, base), colour, scale)


def width_of(words: str, scale: float = 0.45) -> int:
    """Columns that words take."""
    (columns, _), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    return int(columns)


def strip(columns: int, rows: int) -> Picture:
    """An empty dark strip for words."""
    return np.full((rows, columns, 3), INK[0], np.uint8)


def ring(picture: Picture, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    """A thin circle around (column, row); the pixel that it surrounds stays free."""
    place = [round(at * 2**SUBPIXEL_BITS) for at in centre]
    size = round(radius * 2**SUBPIXEL_BITS)
    cv2.circle(picture, place, size, colour, 1, cv2.LINE_AA, SUBPIXEL_BITS)


def cross(picture: Picture, centre: tuple[int, int], colour: Colour) -> None:
    """A small cross at (column, row)."""
    cv2.drawMarker(picture, centre, colour, cv2.MARKER_TILTED_CROSS, 7, 1, cv2.LINE_AA)


def grey(values: NDArray[np.floating], low: float, high: float) -> Picture:
    """(rows, columns) values as RGB, `low` black and `high` white."""
    level = np.clip((values - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8)
    return np.repeat(level[..., None], 3, axis=2)
