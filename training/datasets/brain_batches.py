"""Batches of crops and patches of phantom brains, augmented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from training.datasets.brain_pool import IGNORED, LESION
from training.losses.microbleed_detection import CropTruth
from training.phantoms.brain import SPACING_MM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.datasets.brain_pool import CropPool, PatchPool

DEPOSITS = 2
"""Most deposits that are painted into a patch."""
RADIUS_MM = (0.8, 5.0)
"""Of what is seen of them."""
GAMMA = 0.25
"""Largest logarithm of the random gamma of the SWI."""


def augmented_crops(
    pool: CropPool, rng: np.random.Generator, count: int
) -> tuple[NDArray[np.float32], list[CropTruth]]:
    """Random crops, mirrored along any axis, with another gamma of the SWI; half hold a bleed."""
    images, truths = [], []
    last = pool.images.shape[-1] - 1
    for index in rng.integers(0, len(pool), count):
        image = pool.images[index].astype(np.float32) / 255
        lesions = pool.lesions[index].copy()
        for axis in range(3):
            if rng.integers(2):
                image = np.flip(image, axis + 1)
                lesions[:, axis] = last - lesions[:, axis]
        image = np.ascontiguousarray(image)
        image[0] **= np.float32(np.exp(rng.uniform(-GAMMA, GAMMA)))
        images.append(image)
        kinds = pool.kinds[index]
        truths.append(
            CropTruth(
                lesions=torch.from_numpy(lesions[kinds == LESION]),
                ignored=torch.from_numpy(lesions[kinds == IGNORED]),
            )
        )
    return np.stack(images), truths


def patch_inputs(
    pool: PatchPool, chosen: NDArray[np.int64], *, mirrored: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(B, 5, D, H, W) images and coordinates, and (B, D, H, W) regions; left and right may swap."""
    images = pool.images[chosen].astype(np.float32) / 255
    regions = pool.regions[chosen].astype(np.int64)
    shape = images.shape[2:]
    coordinates = np.empty((len(chosen), 3, *shape), np.float32)
    for row, index in enumerate(chosen.tolist()):
        for axis, (first, last) in enumerate(pool.ends[index]):
            line = np.linspace(first, last, shape[axis], dtype=np.float32)
            coordinates[row, axis] = line.reshape([-1 if a == axis else 1 for a in range(3)])
    inputs = np.concatenate([images, coordinates], axis=1)
    if mirrored:
        inputs, regions = inputs[..., ::-1], regions[..., ::-1]
        inputs = inputs * np.array([1, 1, 1, 1, -1], np.float32).reshape(1, 5, 1, 1, 1)
    return np.ascontiguousarray(inputs), np.ascontiguousarray(regions)


def random_cuts(
    rng: np.random.Generator, inputs: NDArray[np.float32], regions: NDArray[np.int64], side: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The same with `side` rows and columns, cut out of each patch at another place.

    Many small cuts of many heads say more about a batch's statistics than few large ones, whose
    coordinates differ so much that BatchNorm would take the place in the head for a shift.
    """
    rows, columns = regions.shape[2:]
    tops = rng.integers(0, rows - side + 1, len(regions)).tolist()
    lefts = rng.integers(0, columns - side + 1, len(regions)).tolist()
    cuts = [
        np.s_[..., top : top + side, left : left + side]
        for top, left in zip(tops, lefts, strict=True)
    ]
    return (
        np.stack([patch[cut] for patch, cut in zip(inputs, cuts, strict=True)]),
        np.stack([labels[cut] for labels, cut in zip(regions, cuts, strict=True)]),
    )


def with_deposits(
    rng: np.random.Generator, inputs: NDArray[np.float32], regions: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The inputs with dark balls anywhere in the brain, regions as before.

    A bleed is a hole in the brain on SWI and lies in a region all the same. The patches' own bleeds
    are few and of few sizes; what is painted has a soft edge and the phase of a dipole around it.

    Args:
        rng: draws up to `DEPOSITS` in each patch, of radii in `RADIUS_MM`.
        inputs: (B, 5, D, H, W) SWI and phase in 0..1, and coordinates, at `SPACING_MM`.
        regions: (B, D, H, W), 0 outside the brain.
    """
    painted = inputs.copy()
    for patch, labels in zip(painted, regions, strict=True):
        inside = np.argwhere(labels > 0)
        for _ in range(int(rng.integers(DEPOSITS + 1)) if len(inside) else 0):
            centre = inside[rng.integers(len(inside))] + rng.uniform(-0.5, 0.5, 3)
            _paint(rng, patch, centre)
    return painted


def _paint(rng: np.random.Generator, patch: NDArray[np.float32], centre: NDArray[Any]) -> None:
    radius = float(np.exp(rng.uniform(*np.log(RADIUS_MM))))
    places = np.indices(patch.shape[1:], np.float32)
    apart = (places - centre.reshape(3, 1, 1, 1)) * np.reshape(SPACING_MM, (3, 1, 1, 1))
    distance = np.sqrt(np.square(apart).sum(0))
    left = rng.uniform(0.0, 0.4)
    edge_mm = rng.uniform(0.2, 0.6)
    inside = 1 / (1 + np.exp(np.clip((distance - radius) / edge_mm, -30, 30)))
    patch[0] *= 1 - (1 - left) * inside
    reach = np.maximum(distance, radius)
    dipole = (3 * np.square(apart[0] / reach) - 1) * (radius / reach) ** 3
    patch[1] = np.clip(patch[1] + rng.uniform(0.05, 0.25) * dipole, 0, 1)
