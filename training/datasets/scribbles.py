"""Scribbles as annotators draw them, derived from full masks: two kinds, as in DIAS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.ndimage import convolve, label
from skimage.morphology import skeletonize

if TYPE_CHECKING:
    from numpy.typing import NDArray

BACKGROUND, ARTERY, UNLABELLED = 0, 1, 255
KINDS = ("SALE", "RDFA")
"""Thick strokes by hand on main trunks, and thin random lines drawn from the full mask."""
DRAWN_SHARE = 0.5
"""Chance that a piece of a centreline is drawn in RDFA."""
TRUNK_SHARE = 0.4
"""Share of the centreline's pieces, the thickest, that are strokes in SALE."""
LOOP_PX = (14.0, 26.0)
"""Distance of the background loops of SALE from the nearest artery, in pixels."""
STROKE_PX = 5
"""Width of a stroke of SALE."""


def scribble(kind: str, mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Codes (rows, columns): 0 background, 1 artery, 255 unlabelled; never wrong about the mask.

    Raises:
        ValueError: there is no such kind.
    """
    match kind:
        case "RDFA":
            return random_lines(mask, rng)
        case "SALE":
            return strokes(mask, rng)
    raise ValueError(f"expected one of {', '.join(KINDS)}, got {kind!r}")


def random_lines(mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Lines one pixel wide on part of the centrelines, of the arteries and of what is between."""
    codes = np.full(mask.shape, UNLABELLED, np.uint8)
    for code, region in ((BACKGROUND, ~mask), (ARTERY, mask)):
        pieces, count = _pieces(skeletonize(region))
        drawn = np.concatenate([[False], rng.random(count) < DRAWN_SHARE])
        codes[drawn[pieces]] = code
    return codes


def strokes(mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Thick strokes along the thickest arteries, and loops around them in the background."""
    codes = np.full(mask.shape, UNLABELLED, np.uint8)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    loop = float(rng.uniform(*LOOP_PX))
    codes[(np.abs(outside - loop) < STROKE_PX / 2) & ~mask] = BACKGROUND
    trunks = _trunks(mask).astype(np.uint8)
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (STROKE_PX, STROKE_PX))
    codes[(cv2.dilate(trunks, pen) > 0) & mask] = ARTERY
    return codes


def _trunks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The centrelines of the thickest arteries."""
    pieces, count = _pieces(skeletonize(mask))
    if count == 0:
        return np.zeros(mask.shape, np.bool_)
    radius = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    lengths = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    mean = np.bincount(pieces.ravel(), radius.ravel(), count + 1)[1:] / lengths
    thick = np.concatenate([[False], mean >= np.quantile(mean, 1 - TRUNK_SHARE)])
    return np.asarray(thick[pieces], np.bool_)


def _pieces(line: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Labels of a skeleton cut at its junctions, from 1, and their number."""
    around = np.ones((3, 3), np.uint8)
    neighbours = convolve(line.astype(np.uint8), around, mode="constant") - 1
    labels, count = label(line & (neighbours < 3), around)
    return labels.astype(np.int32), int(count)
