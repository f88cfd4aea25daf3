"""Crops of real subjects for the microbleed detector, as the device prepares their volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sdk.tasks.microbleed_detection import MicrobleedDetection
from training.datasets.brain_pool import (
    FINE_SPACING_MM,
    IGNORED,
    INSET,
    LESION,
    MOST_LESIONS,
    CropPool,
    quantised,
)
from training.datasets.microbleed_cohort import read_cohort

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sdk.tasks.brain_volume import BrainVolume
    from training.datasets.microbleed_cohort import CohortSubject

    Floats = NDArray[np.float64]

MARGIN = 4
"""Voxels around a crop without bleeds that hold none either."""
TRIES = 200
"""Places looked at for a crop without bleeds."""


@dataclass(frozen=True, kw_only=True)
class CohortPool(CropPool):
    """Crops of real subjects, whose voxels have sizes of their own."""

    spacing_mm: Floats
    """(N, 3) size of a crop's voxels along z, y and x."""

    def spacing_of(self, index: int) -> tuple[float, float, float]:
        """(z, y, x) size of the voxels of a crop in mm."""
        z, y, x = self.spacing_mm[index].tolist()
        return z, y, x


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A subject's volume with its bleeds, in voxels of the crops."""

    brain: BrainVolume
    lesions: Floats
    """(n, 4) z, y, x and diameter."""
    certain: NDArray[np.bool_]

    @classmethod
    def of(cls, subject: CohortSubject) -> _Prepared:
        volume, lesions = subject.read()
        brain = MicrobleedDetection(slice_mm=FINE_SPACING_MM[0]).prepare(volume)
        scale = np.array([brain.slice_ratio, 1.0, 1.0, volume.spacing_mm[1]])
        return cls(brain=brain, lesions=lesions / scale, certain=subject.certain)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        z, y, x = self.brain.volume.spacing_mm
        return z * self.brain.slice_ratio, y, x

    def crop(self, seed: int, side: int) -> tuple[NDArray[Any], ...]:
        """Image, lesions and kinds of a seed; even seeds hold a certain bleed."""
        rng = np.random.default_rng([seed, 4])
        origin = self._around_bleed(rng, side) if seed % 2 == 0 else self._without(rng, side)
        out = np.empty((2, side, side, side), np.float32)
        self.brain.fill_tile((int(origin[0]), int(origin[1]), int(origin[2])), out)
        return quantised(out), *self._rows(origin, side)

    def _around_bleed(self, rng: np.random.Generator, side: int) -> NDArray[np.int64]:
        reach = max(0, side // 2 - INSET)
        centre = rng.choice(self.lesions[self.certain])[:3] + rng.uniform(-reach, reach, 3)
        return self._origin(centre, side)

    def _without(self, rng: np.random.Generator, side: int) -> NDArray[np.int64]:
        """Somewhere in the brain; where bleeds are everywhere they are in the table, as always."""
        voxels = np.flatnonzero(self.brain.brain)
        for voxel in rng.choice(voxels, TRIES).tolist():
            place = np.array(np.unravel_index(voxel, self.brain.brain.shape), np.float64)
            place[0] /= self.brain.slice_ratio
            origin = self._origin(place, side)
            if not self._near(origin, side, MARGIN).any():
                break
        return origin

    def _origin(self, centre: Floats, side: int) -> NDArray[np.int64]:
        """First voxel of the crop around a centre that stays inside the volume, if it can."""
        last = np.maximum(np.array(self.brain.fine_shape) - side, 0)
        return np.clip(np.round(centre - side / 2), 0, last).astype(np.int64)

    def _near(self, origin: NDArray[np.int64], side: int, margin: float) -> NDArray[np.bool_]:
        """(n,) bleeds whose centre lies in a crop or so many voxels beside it."""
        apart = self.lesions[:, :3] - origin
        inside = (apart >= -0.5 - margin) & (apart < side - 0.5 + margin)
        return np.asarray(inside.all(1))

    def _rows(
        self, origin: NDArray[np.int64], side: int
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        rows, kinds = np.zeros((MOST_LESIONS, 4), np.float32), np.zeros(MOST_LESIONS, np.uint8)
        counts = self._near(origin, side, 0) & self.certain
        chosen = np.flatnonzero(self._near(origin, side, side / 2))
        order = chosen[np.argsort(~counts[chosen], kind="stable")][:MOST_LESIONS]
        rows[: len(order)] = self.lesions[order] - [*origin.tolist(), 0]
        kinds[: len(order)] = np.where(counts[order], LESION, IGNORED)
        return rows, kinds


def cohort_crops(folder: Path, seeds: range, side: int) -> CohortPool:
    """One crop of side x side x side voxels per seed; every subject is read once.

    Raises:
        ValueError: a table is wrong (see `read_cohort`), or no subject has a certain bleed.
        VolumeError, DicomError: an image cannot be read, or shows no brain.
    """
    subjects = read_cohort(folder)
    bleeding = [subject for subject in subjects if subject.certain.any()]
    if not bleeding:
        message = f"expected at least one certain bleed in {folder}, found none; nothing is learnt"
        raise ValueError(message)
    wanted: dict[str, list[int]] = {subject.name: [] for subject in subjects}
    for seed in seeds:
        some = bleeding if seed % 2 == 0 else subjects
        wanted[some[seed // 2 % len(some)].name].append(seed)
    crops: dict[int, tuple[NDArray[Any], ...]] = {}
    for subject in subjects:
        if wanted[subject.name]:
            prepared = _Prepared.of(subject)
            size = np.array(prepared.spacing_mm)
            crops |= {s: (*prepared.crop(s, side), size) for s in wanted[subject.name]}
    names = ("images", "lesions", "kinds", "spacing_mm")
    columns = zip(*(crops[seed] for seed in seeds), strict=True)
    return CohortPool(**{n: np.stack(c) for n, c in zip(names, columns, strict=True)})
