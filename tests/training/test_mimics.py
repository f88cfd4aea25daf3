"""False positives are told by what they lie on."""

from __future__ import annotations

import numpy as np

from training.datasets.subject_pool import BLEEDS
from training.detection_metrics import SubjectFindings
from training.mimics import KINDS, Mimics, kinds, mimics
from training.phantoms.brain import SPACING_MM, BrainPhantom, head_grid

LYING = Mimics(
    veins_mm=np.stack([np.full(21, 30.0), np.full(21, 30.0), np.arange(21.0)], 1),
    calcifications_mm=np.array([[60.0, 60.0, 60.0], [30.0, 30.0, 20.0]]),
)


def found(*places: tuple[float, float, float]) -> SubjectFindings:
    return SubjectFindings(
        candidates_mm=np.array(places, np.float64).reshape(-1, 3),
        scores=np.linspace(1, 0.5, len(places)),
        lesions_mm=np.array([[10.0, 10.0, 10.0]]),
        diameters_mm=np.array([4.0]),
    )


def test_each_false_positive_counts_once() -> None:
    told = kinds(
        found(
            (10.0, 10.0, 11.0),  # the bleed
            (10.0, 10.0, 9.0),  # the bleed again
            (31.0, 30.0, 8.0),  # 1 mm beside the vein
            (32.0, 30.0, 8.0),  # 2 mm
            (60.0, 62.0, 60.0),  # 2 mm beside the calcification
            (30.0, 30.0, 19.0),  # on both
        ),
        LYING,
    )
    assert told == {"vein": 1.0, "calcification": 2.0, "nothing known": 2.0}


def test_where_nothing_is_found_nothing_counts() -> None:
    assert kinds(found(), LYING) == dict.fromkeys(KINDS, 0.0)


def test_where_nothing_lies_nothing_is_known() -> None:
    bare = Mimics(veins_mm=np.empty((0, 3)), calcifications_mm=np.empty((0, 3)))
    assert kinds(found((50.0, 50.0, 50.0)), bare)["nothing known"] == 1.0


def test_places_are_those_of_the_subject() -> None:
    """A calcification lies where the phantom's own image has it."""
    seed = next(s for s in range(50) if BrainPhantom.drawn(s, BLEEDS).calcifications)
    of, phantom = mimics(seed), BrainPhantom.drawn(seed, BLEEDS)
    voxels = head_grid().to_voxel(np.array([one.centre_mm for one in phantom.calcifications]))
    np.testing.assert_allclose(of.calcifications_mm, voxels * SPACING_MM)
    assert len(of.veins_mm) == sum(len(vessel.points_mm) for vessel in phantom.vessels)
