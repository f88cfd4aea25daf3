"""Pools of crops and patches of phantom brains as the networks see them, kept in a folder."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from sdk.tasks.brain_volume import BrainVolume
from sdk.volume import Volume
from training.datasets.cache import kept, place
from training.datasets.workers import drawn
from training.phantoms.brain import SPACING_MM, BrainImage, BrainOptions, BrainPhantom
from training.phantoms.brain_findings import Sites
from training.phantoms.head_grid import HeadGrid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

PERCENTILES = (0.1, 99.9)
SLICE_RATIO = 71 / 223
"""Slices of the cohort's volume per fine slice: 72 become 224."""
FINE_SPACING_MM = (SPACING_MM[0] * SLICE_RATIO, *SPACING_MM[1:])
"""(z, y, x) of a crop's voxels."""
MOST_LESIONS = 16
"""Rows kept per crop; more would not fit the crop."""
INSET = 12
"""Voxels from the border of a crop to the bleed it was made for."""
LESION, IGNORED = 1, 2
"""Kinds of rows in the lesion table of a crop; 0 is no row."""

Pool = TypeVar("Pool", "CropPool", "PatchPool")


@dataclass(frozen=True, kw_only=True)
class CropPool:
    """Crops for the detector: every second one holds a bleed."""

    images: NDArray[np.uint8]
    """(N, 2, side, side, side) SWI and phase times 255."""
    lesions: NDArray[np.float32]
    """(N, MOST_LESIONS, 4) z, y, x and diameter in voxels."""
    kinds: NDArray[np.uint8]
    """(N, MOST_LESIONS) LESION, IGNORED or 0; bleeds whose centre lies outside are ignored."""

    def __len__(self) -> int:
        return len(self.images)

    def spacing_of(self, index: int) -> tuple[float, float, float]:  # noqa: ARG002
        """(z, y, x) size of the voxels of a crop in mm: all phantoms have the same."""
        z, y, x = FINE_SPACING_MM
        return z, y, x


@dataclass(frozen=True, kw_only=True)
class PatchPool:
    """Patches for the brain regions network."""

    images: NDArray[np.uint8]
    """(N, 2, slices, rows, columns) SWI and phase times 255."""
    ends: NDArray[np.float32]
    """(N, 3, 2) coordinates of the first and last voxel along z, y and x."""
    regions: NDArray[np.uint8]
    """(N, slices, rows, columns) true regions."""

    def __len__(self) -> int:
        return len(self.images)


def crop(seed: int, side: int) -> tuple[NDArray[Any], ...]:
    """Image, lesions and kinds of the crop of a seed; even seeds hold a bleed, odd ones none."""
    rng = np.random.default_rng([seed, 2])
    with_bleed = seed % 2 == 0
    subject = BrainPhantom.drawn(seed, BrainOptions(microbleeds=(1, 12) if with_bleed else (0, 12)))
    slices = int(np.ceil((side + 1) * SLICE_RATIO)) + 2
    centre = _centre(rng, subject, side, with_bleed=with_bleed)
    image = subject.image(HeadGrid.around(centre, SPACING_MM, (slices, side, side)))
    fine = round((slices - 1) / SLICE_RATIO) + 1
    brain = as_seen(image, fine)
    first = (fine - side) // 2
    out = np.empty((2, side, side, side), np.float32)
    brain.fill_tile((first, 0, 0), out)
    return quantised(out), *_lesion_rows(image.microbleeds, brain.slice_ratio, first, side)


def _centre(
    rng: np.random.Generator, subject: BrainPhantom, side: int, *, with_bleed: bool
) -> tuple[float, float, float]:
    """Around a bleed, which lies anywhere but at the border; or where there is none."""
    half = np.array(FINE_SPACING_MM) * side / 2
    bleeds = np.array([bleed.centre_mm for bleed in subject.microbleeds]).reshape(-1, 3)
    if with_bleed and len(bleeds):
        reach = half - INSET * np.array(FINE_SPACING_MM)
        z, y, x = (bleeds[rng.integers(len(bleeds))] + rng.uniform(-reach, reach)).tolist()
        return z, y, x
    sites = Sites.of(subject.anatomy)
    brain = np.flatnonzero(sites.maps.brain)
    for _ in range(200):
        place = sites.pick(rng, brain)
        if place is not None and not (np.abs(bleeds - place) < half + 4).all(axis=1).any():
            z, y, x = place.tolist()
            return z, y, x
    message = f"expected a place without bleeds in the brain of seed {subject.seed}, found none"
    raise RuntimeError(message)


def _lesion_rows(
    microbleeds: NDArray[np.float64], ratio: float, first: int, side: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    rows, kinds = np.zeros((MOST_LESIONS, 4), np.float32), np.zeros(MOST_LESIONS, np.uint8)
    for index, (z, y, x, diameter) in enumerate(microbleeds[:MOST_LESIONS]):
        fine = z / ratio - first
        rows[index] = fine, y, x, diameter / SPACING_MM[1]
        kinds[index] = LESION if -0.5 <= fine < side - 0.5 else IGNORED
    return rows, kinds


def patch(seed: int, size: tuple[int, int, int]) -> tuple[NDArray[Any], ...]:
    """Image, coordinate ends and regions of the patch of a seed: of even seeds around a bleed.

    A session asks for the patch around what the detector found, mostly a dark hole in its middle.
    """
    rng = np.random.default_rng([seed, 3])
    with_bleed = seed % 2 == 0
    subject = BrainPhantom.drawn(seed, BrainOptions(microbleeds=(1 if with_bleed else 0, 12)))
    sites = Sites.of(subject.anatomy)
    if with_bleed and subject.microbleeds:
        place = np.array(subject.microbleeds[rng.integers(len(subject.microbleeds))].centre_mm)
    else:
        place = _place_in_brain(rng, sites, seed)
    z, y, x = (place + rng.uniform(-4, 4, 3)).tolist()
    grid = HeadGrid.around((z, y, x), SPACING_MM, size)
    image = subject.image(grid)
    corners = sites.grid.to_mm(np.argwhere(sites.maps.brain).astype(np.float64))
    low, high = (grid.to_voxel(end).round().astype(int) for end in (corners.min(0), corners.max(0)))
    out = np.empty((5, *size), np.float32)
    as_seen(image, size[0], (low, high)).fill_patch((0, 0, 0), out)
    ends = np.stack([out[2:, 0, 0, 0], out[2:, -1, -1, -1]], axis=1)
    return quantised(out[:2]), ends, image.regions


def _place_in_brain(rng: np.random.Generator, sites: Sites, seed: int) -> NDArray[np.float64]:
    place = sites.pick(rng, np.flatnonzero(sites.maps.brain))
    if place is None:
        message = f"expected a brain of seed {seed}, found none"
        raise RuntimeError(message)
    return place


def as_seen(
    image: BrainImage, fine_slices: int, box: tuple[NDArray[Any], NDArray[Any]] | None = None
) -> BrainVolume:
    """A phantom as the device prepares it, with the phantom's own brain mask.

    `box` are the first and last voxel (z, y, x) of the brain, which may lie outside the image.
    """
    inside = image.swi[image.brain] if image.brain.any() else image.swi
    low, high = np.percentile(inside, PERCENTILES).tolist()
    ends = ((0, 0, 0), image.swi.shape) if box is None else box
    (z0, y0, x0), (z1, y1, x1) = ((int(a), int(b), int(c)) for a, b, c in ends)
    return BrainVolume(
        volume=Volume.of_spacing(image.swi, SPACING_MM, phase=image.phase),
        brain=image.brain,
        window=(low, max(high, low + 1e-6)),
        box=((z0, y0, x0), (z1, y1, x1)),
        fine_slices=fine_slices,
    )


def quantised(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """[0, 1] as 0 to 255."""
    return np.round(values * 255).astype(np.uint8)


def crop_pool(folder: Path, seeds: range, side: int, *, workers: int = 2) -> CropPool:
    """Crops of consecutive seeds, made once and then read from the folder."""
    stem = place(folder, "crops", seeds.start, len(seeds), side)
    return kept(
        stem, CropPool, lambda: _pool(CropPool, crop, (seeds, [side] * len(seeds)), workers)
    )


def patch_pool(
    folder: Path, seeds: range, size: tuple[int, int, int], *, workers: int = 2
) -> PatchPool:
    """Patches of consecutive seeds, made once and then read from the folder."""
    stem = place(folder, "patches", seeds.start, len(seeds), *size)
    return kept(
        stem, PatchPool, lambda: _pool(PatchPool, patch, (seeds, [size] * len(seeds)), workers)
    )


def _pool(kind: type[Pool], make: Callable[..., Any], tasks: tuple[Any, ...], workers: int) -> Pool:
    rows = zip(*drawn(make, tasks, workers=workers), strict=True)
    names = (entry.name for entry in fields(kind))
    return kind(**{name: np.stack(row) for name, row in zip(names, rows, strict=True)})
