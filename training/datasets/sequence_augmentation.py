"""Photometric and strong augmentation of sequences (Liu et al. 2024, SSCR and RPST)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from training.datasets.sequence_pool import HIGH, LOW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.datasets.sequence_pool import Sequence

CONTRAST, CONTRAST_CHANCE = (0.5, 1.5), 0.5
BLUR, BLUR_CHANCE = (0.1, 2.0), 0.5
NOISE, NOISE_CHANCE = (0.0, 0.1), 0.1
ELASTIC_PX, ELASTIC_SMOOTHING_PX, ELASTIC_CHANCE = 2000.0, 50.0, 0.2
HOLE_PX, HOLE_CHANCE = 16, 0.8


def photometric(rng: np.random.Generator, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Another contrast per frame, blur (along time too) and noise, each by chance; (T, H, W).

    Values stay inside the limits of a network input. The published code clips to [-1, 1], which
    there and here would cut off most of the contrast.
    """
    if rng.random() < CONTRAST_CHANCE:
        contrast = rng.uniform(*CONTRAST, (len(inputs), 1, 1))
        inputs = inputs * contrast.astype(np.float32)
    if rng.random() < BLUR_CHANCE:
        inputs = gaussian_filter(inputs, rng.uniform(*BLUR))
    if rng.random() < NOISE_CHANCE:
        noise = rng.standard_normal(inputs.shape, np.float32)
        inputs = inputs + np.float32(rng.uniform(*NOISE)) * noise
    return np.clip(inputs, LOW, HIGH)


def strong(rng: np.random.Generator, entry: Sequence) -> Sequence:
    """As `photometric`, and by chance an elastic distortion and a hole in the pictures."""
    if rng.random() < ELASTIC_CHANCE:
        entry = _distorted(rng, entry)
    inputs = photometric(rng, entry.inputs)
    if rng.random() < HOLE_CHANCE:
        row, column = rng.integers(0, np.maximum(np.array(inputs.shape[1:]) - HOLE_PX, 1))
        inputs[:, row : row + HOLE_PX, column : column + HOLE_PX] = 0.0
    return replace(entry, inputs=inputs)


def _distorted(rng: np.random.Generator, entry: Sequence) -> Sequence:
    """Pictures and masks moved by one smooth random field."""
    shape = entry.union.shape
    way = [
        gaussian_filter(rng.uniform(-1, 1, shape), ELASTIC_SMOOTHING_PX, mode="constant")
        * ELASTIC_PX
        for _ in shape
    ]
    rows, columns = (
        (grid + offset).astype(np.float32)
        for grid, offset in zip(np.indices(shape), way, strict=True)
    )

    def moved(layers: NDArray[Any], how: int) -> NDArray[Any]:
        drawn = [
            cv2.remap(layer, columns, rows, how, borderMode=cv2.BORDER_REFLECT) for layer in layers
        ]
        return np.array(drawn, layers.dtype).reshape(layers.shape)  # also of no layers

    nearest = cv2.INTER_NEAREST
    return replace(
        entry,
        inputs=moved(entry.inputs, cv2.INTER_CUBIC),
        union=moved(entry.union[None], nearest)[0],
        filled=moved(entry.filled, nearest),
        so_far=moved(entry.so_far, nearest),
        scribbles=moved(entry.scribbles, nearest),
    )
