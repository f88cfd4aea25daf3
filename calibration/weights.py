"""Weights as signed 8-bit integers with one scale per output channel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 127
SMALLEST_SCALE = 2.0**-24
"""Smallest positive half: no scale is zero, in FP32 or in a typed FP16 graph."""


def up_to_half(scales: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The next scales that are halves, so that FP32 and FP16 graphs take the very same steps.

    What no half reaches stays as it is.
    """
    with np.errstate(over="ignore"):
        halves = np.asarray(scales, np.float16)
        halves = np.where(halves < scales, np.nextafter(halves, np.float16(np.inf)), halves)
    return np.where(np.isfinite(halves), halves, scales).astype(np.float32)


def quantise_weight(
    weight: NDArray[Any], axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric integers and the (channels,) scales along `axis`; zero point 0, +-127 reached.

    Raises:
        ValueError: a weight is NaN or infinite.
    """
    if not np.isfinite(weight).all():
        raise ValueError("a weight is NaN or infinite")
    others = tuple(i for i in range(weight.ndim) if i != axis)
    largest = np.abs(weight).max(axis=others)
    scales = up_to_half(np.maximum(largest / LEVELS, SMALLEST_SCALE))
    extents = [1] * weight.ndim
    extents[axis] = -1
    levels = np.rint(weight / scales.reshape(extents))
    return np.clip(levels, -LEVELS, LEVELS).astype(np.int8), scales
