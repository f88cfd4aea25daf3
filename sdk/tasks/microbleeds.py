"""What the microbleed task answers: bleeds with place and region, and every dropped candidate."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum

import numpy as np
from numpy.typing import NDArray

from sdk.volume import Volume


class Region(IntEnum):
    """Regions of the Microbleed Anatomical Rating Scale (Gregoire et al., Neurology 73, 2009)."""

    NONE = 0
    LOBAR = 1
    DEEP = 2
    INFRATENTORIAL = 3


class Dropped(str, Enum):
    """Why a candidate is no microbleed."""

    SUPPRESSED = "a better candidate overlaps it or is nearer than the least distance"
    TOO_MANY = "there are more candidates than are kept, all better"
    OUTSIDE_REGIONS = "none of its voxels lies in a region of the brain"
    SMALL_OVERLAP = "too small a part of it lies in regions of the brain"
    OUTSIDE_VOLUME = "it lies outside the volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Microbleed:
    """A candidate with its place.

    Attributes:
        voxel: centre (slice, row, column) in the volume in axial order, 0 in the first voxel.
        centre_mm: the same in mm from the first voxel's centre, (slice, row, column).
        patient_mm: the same in DICOM's patient coordinates (x, y, z).
        diameter_mm: of the ball that the detector saw.
        score: probability the detector gives it.
        region: where it lies; NONE where that was not asked or there is none.
        overlap: part of its surroundings that lies in regions, None where that was not asked.
    """

    voxel: tuple[float, float, float]
    centre_mm: tuple[float, float, float]
    patient_mm: tuple[float, float, float]
    diameter_mm: float
    score: float
    region: Region = Region.NONE
    overlap: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedCandidate:
    """A candidate that is no microbleed, and why."""

    candidate: Microbleed
    """What it would have been."""
    reason: Dropped
    """Why it was dropped."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MicrobleedAnswer:
    """What was found in a volume.

    Attributes:
        volume: the volume in axial order, whose voxels the answer counts.
        window: SWI values that the networks saw as 0 and 1.
        brain_box: first and last voxel (slice, row, column) of the brain's bounding box.
        microbleeds: best first.
        dropped: every other candidate above the score threshold, with its reason.
        tiles: tiles the detector looked at.
        tiles_skipped: tiles without brain, which it did not.
        regions: (slices, rows, columns) uint8 label volume, None unless asked for.
    """

    volume: Volume
    window: tuple[float, float]
    brain_box: tuple[tuple[int, int, int], tuple[int, int, int]]
    microbleeds: tuple[Microbleed, ...]
    dropped: tuple[DroppedCandidate, ...]
    tiles: int
    tiles_skipped: int
    regions: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Candidates:
    """(n, 3) centres in voxels of the volume, (n,) diameters in mm and (n,) scores."""

    centres: NDArray[np.float64]
    diameters_mm: NDArray[np.float64]
    scores: NDArray[np.float32]

    @classmethod
    def join(cls, parts: Iterable["Candidates"]) -> "Candidates":
        """All of them, in their order."""
        empty = cls(np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.float32))
        lists = [empty, *parts]
        return cls(
            np.concatenate([part.centres for part in lists]),
            np.concatenate([part.diameters_mm for part in lists]),
            np.concatenate([part.scores for part in lists]),
        )
