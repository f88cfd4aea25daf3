"""What a detector took for microbleeds: the veins and calcifications of a phantom's brain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.datasets.subject_pool import BLEEDS
from training.detection_metrics import match
from training.phantoms.brain import SPACING_MM, BrainPhantom, head_grid

if TYPE_CHECKING:
    from training.detection_metrics import SubjectFindings

Points = NDArray[np.float64]

CALCIFICATION_MM = 3.0
"""A candidate whose centre lies so near to a calcification's lies on it."""
VEIN_MM = 1.5
"""The same of the middle of a vein."""
KINDS = ("vein", "calcification", "nothing known")
"""Of false positives."""


@dataclass(frozen=True, kw_only=True)
class Mimics:
    """What looks like a microbleed in one subject, places as `Subject.lesions_mm` gives them."""

    veins_mm: Points
    """(n, 3) points along the middles of all veins."""
    calcifications_mm: Points
    """(m, 3) centres."""


def mimics(seed: int) -> Mimics:
    """Those of `subject_pool.subject` of the same seed."""
    phantom, grid = BrainPhantom.drawn(seed, BLEEDS), head_grid()
    veins = [vessel.points_mm for vessel in phantom.vessels]
    calcium = [deposit.centre_mm for deposit in phantom.calcifications]
    along = np.concatenate([np.empty((0, 3)), *veins])
    centres = np.array(calcium, np.float64).reshape(-1, 3)
    spacing = np.array(SPACING_MM)
    return Mimics(
        veins_mm=grid.to_voxel(along) * spacing, calcifications_mm=grid.to_voxel(centres) * spacing
    )


def kinds(found: SubjectFindings, of: Mimics, tolerance_mm: float = 3.0) -> dict[str, float]:
    """How many false positives of one subject lie on each of `KINDS`; a calcification goes first.

    What hits a bleed within the tolerance is no false positive.
    """
    false = found.candidates_mm[~match(found, tolerance_mm)]
    calcium = _apart(false, of.calcifications_mm) <= CALCIFICATION_MM
    vein = ~calcium & (_apart(false, of.veins_mm) <= VEIN_MM)
    counts = (vein.sum(), calcium.sum(), (~vein & ~calcium).sum())
    return {kind: float(count) for kind, count in zip(KINDS, counts, strict=True)}


def _apart(places: Points, others: Points) -> NDArray[np.float64]:
    """(n,) distance in mm of every place from the nearest of others, infinite where none is."""
    nearest = [np.linalg.norm(others - place, axis=1).min(initial=np.inf) for place in places]
    return np.array(nearest, np.float64)
