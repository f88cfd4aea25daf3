"""From stored pixels to the network's input, as the device does it: numpy and OpenCV only."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SAMPLES = 128
"""The percentiles are taken on a regular grid of this many rows and columns."""
LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.0

FloatImage = NDArray[np.float32]


def values(
    frame: NDArray[np.generic], mask: NDArray[np.generic] | None, relationship: str
) -> FloatImage:
    """Stored values (rows, columns); with a mask, their difference in optical depth."""
    stored = frame.astype(np.float32)
    if mask is None:
        return stored
    before = mask.astype(np.float32)
    return np.log1p(stored) - np.log1p(before) if relationship == "LIN" else stored - before


def percentiles(image: FloatImage) -> tuple[float, float]:
    """1 % and 99 % of the values at the nearest pixels of a regular 128 x 128 grid."""
    rows, columns = (
        np.floor((np.arange(SAMPLES) + 0.5) * side / SAMPLES).astype(int) for side in image.shape
    )
    low, high = np.percentile(image[np.ix_(rows, columns)], [LOW_PERCENTILE, HIGH_PERCENTILE])
    return float(low), float(high)


def letterbox(image: FloatImage, size: int) -> FloatImage:
    """Scale to fit size x size with the aspect kept, centred, zero around."""
    rows, columns = image.shape
    if (rows, columns) == (size, size):
        return image
    scale = size / max(rows, columns)
    fitted = (max(1, round(rows * scale)), max(1, round(columns * scale)))
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    out = np.zeros((size, size), np.float32)
    top, left = (size - fitted[0]) // 2, (size - fitted[1]) // 2
    out[top : top + fitted[0], left : left + fitted[1]] = cv2.resize(
        image, fitted[::-1], interpolation=kind
    )
    return out


def network_input(
    frame: NDArray[np.generic],
    mask: NDArray[np.generic] | None = None,
    relationship: str = "LIN",
    size: int = 512,
) -> FloatImage:
    """(size, size) in [0, 1]: 1 % and 99 % of the values become 0 and 1."""
    image = values(frame, mask, relationship)
    low, high = percentiles(image)
    span = max(high - low, 1e-6)
    return np.asarray(np.clip((letterbox(image, size) - low) / span, 0.0, 1.0), np.float32)
