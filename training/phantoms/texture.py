"""Smooth random fields and small drawing helpers shared by the phantoms."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
"""One layer of a frame, (rows, columns)."""

REFERENCE_SIDE = 512
"""Lengths of the phantoms are in pixels of a frame with this side, and scale with the frame."""

SUBPIXEL_BITS = 4
"""Fractional bits of the coordinates handed to the rasteriser."""


def smooth_field(rng: np.random.Generator, size: int, sigma: float) -> Image:
    """Gaussian random field of zero mean and unit deviation with a grain of `sigma` pixels."""
    step = max(1.0, sigma / 1.5)
    side = max(4, round(size / step) + 2)
    coarse = rng.standard_normal((side, side), dtype=np.float32)
    coarse = cv2.GaussianBlur(coarse, (0, 0), max(0.3, sigma / step))
    field = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray((field - field.mean()) / (field.std() + 1e-6), np.float32)


def blur(image: Image, sigma: float) -> Image:
    """Gaussian blur; wide ones are computed on a reduced image, because they need no detail."""
    if sigma < 0.15:
        return image
    step = int(sigma // 6)
    if step < 2:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
    rows, columns = image.shape
    small = cv2.resize(
        image, (max(2, columns // step), max(2, rows // step)), interpolation=cv2.INTER_AREA
    )
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, (columns, rows)), np.float32)


def subpixels(points: NDArray[np.floating]) -> NDArray[np.int32]:
    """(N, 2) rows and columns -> (N, 2) fixed-point x and y of the rasteriser."""
    return np.round(points[:, ::-1] * (1 << SUBPIXEL_BITS)).astype(np.int32)


def stroke(size: int, points: NDArray[np.floating], width: float) -> Image:
    """Anti-aliased line of constant width through (N, 2) rows and columns; 1 inside, 0 outside."""
    canvas = np.zeros((size, size), np.uint8)
    cv2.polylines(
        canvas,
        [subpixels(points)[:, None]],
        isClosed=False,
        color=255,
        thickness=max(1, round(width)),
        lineType=cv2.LINE_AA,
        shift=SUBPIXEL_BITS,
    )
    return canvas.astype(np.float32) / 255.0


def filled(size: int, points: NDArray[np.floating]) -> Image:
    """Filled polygon through (N, 2) rows and columns; 1 inside, 0 outside."""
    canvas = np.zeros((size, size), np.uint8)
    cv2.fillPoly(canvas, [subpixels(points)[:, None]], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    return canvas.astype(np.float32) / 255.0


def ellipse_points(
    centre: tuple[float, float], radii: tuple[float, float], tilt: float, count: int = 90
) -> NDArray[np.float64]:
    """Closed ellipse as (count, 2) rows and columns; `tilt` in radians."""
    angle = np.linspace(0, 2 * np.pi, count)
    row, column = radii[0] * np.sin(angle), radii[1] * np.cos(angle)
    return np.stack(
        [
            centre[0] + row * np.cos(tilt) + column * np.sin(tilt),
            centre[1] + column * np.cos(tilt) - row * np.sin(tilt),
        ],
        axis=1,
    )
