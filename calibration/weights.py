"""Weights as signed 8-bit integers with one scale per output channel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 127
SMALLEST_SCALE = 2.0**-24
"""Smallest positive half: no scale is zero, in FP32 or in a typed FP16 graph."""


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
    scales = np.maximum(largest / LEVELS, SMALLEST_SCALE).astype(np.float32)
    extents = [1] * weight.ndim
    extents[axis] = -1
    levels = np.rint(weight / scales.reshape(extents))
    return np.clip(levels, -LEVELS, LEVELS).astype(np.int8), scales
