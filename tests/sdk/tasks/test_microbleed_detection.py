"""The detector sees slices at the distance that its weights know, whatever a volume covers."""

import numpy as np
import pytest

from sdk import DroppedCandidate, Microbleed, MicrobleedDetection, Region
from sdk.tasks.microbleeds import Candidates
from sdk.volume import Volume

SMALL = {"tile": (16, 16, 16), "halo": 4, "patch": (4, 8, 8)}


def head(slices, spacing_mm, *, upside_down=False):
    values = np.random.default_rng(0).uniform(0.2, 1, (slices, 8, 8)).astype(np.float32)
    brain = np.ones(values.shape, np.uint8)
    volume = Volume.of_spacing(values, (spacing_mm, 0.5, 0.5), phase=values * 0, brain=brain)
    if not upside_down:
        return volume
    return Volume(
        voxels=volume.voxels,
        phase=volume.phase,
        brain=brain,
        to_patient=volume.to_patient @ np.diag([-1.0, 1, 1, 1]),
    )


@pytest.mark.parametrize(
    ("slices", "spacing_mm", "fine"),
    [(72, 2.0, 224), (24, 2.0, 73), (143, 1.0, 224), (1, 2.0, 1), (48, 3.0, 222)],
)
def test_slices_lie_where_the_weights_expect_them(slices, spacing_mm, fine):
    task = MicrobleedDetection(**SMALL, slice_mm=2.0 * 71 / 223)
    for upside_down in (False, True):
        seen = task.prepare(head(slices, spacing_mm, upside_down=upside_down))
        assert seen.fine_slices == fine
    if slices > 1:
        assert seen.slice_ratio * spacing_mm == pytest.approx(task.slice_mm, rel=0.01)


def test_without_a_distance_every_volume_gets_as_many():
    task = MicrobleedDetection(**SMALL, slices=31)
    assert {task.prepare(head(slices, 2.0)).fine_slices for slices in (24, 72)} == {31}


def test_a_box_without_volume_is_a_candidate_as_any_other():
    """Networks of any origin may decode one; FLOAT32 has no room for it far from the origin."""
    task = MicrobleedDetection(**SMALL)
    found = Candidates(
        centres=np.array([[2.0, 3.0, 4.0], [20.0, 3.0, 4.0]]),
        diameters_mm=np.array([1e-6, 3.0]),
        scores=np.array([0.9, 0.8], np.float32),
    )
    kept, dropped = task.suppress(found, task.prepare(head(24, 2.0)))
    assert [bleed.diameter_mm for bleed in kept] == [1e-6, 3.0]
    assert dropped == []


@pytest.mark.parametrize("distance", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize("name", ["slice_mm", "pixel_mm"])
def test_a_distance_that_is_none_is_refused(name, distance):
    with pytest.raises(ValueError, match=f"{name} must be above 0"):
        MicrobleedDetection(**{name: distance})


@pytest.mark.parametrize(
    ("pixel_mm", "said"), [(0.5, False), (0.6, False), (0.3, True), (0.9, True), (None, False)]
)
def test_pixels_that_the_weights_do_not_know_are_remarked_upon(pixel_mm, said):
    task = MicrobleedDetection(**SMALL, pixel_mm=pixel_mm)
    remarks = task.remarks(head(4, 2.0))
    assert bool(remarks) is said
    assert all(remark.startswith("pixels of 0.50 x 0.50 mm, the network") for remark in remarks)


@pytest.mark.parametrize("diameter_mm", [2.0, 6.0, 10.0])
def test_a_bleed_that_the_network_takes_for_outside_belongs_to_what_is_around_it(
    diameter_mm,
):
    volume = Volume.of_spacing(np.zeros((32, 48, 48), np.float32), (1.0, 0.5, 0.5))
    centre = np.array([16, 24, 24])
    apart_mm = (np.indices(volume.voxels.shape).T - centre) * (1.0, 0.5, 0.5)
    hole = diameter_mm / 2 >= np.linalg.norm(apart_mm, axis=-1).T
    labels = np.where(hole, 0, Region.DEEP.value).astype(np.uint8)
    bleed = Microbleed(
        voxel=(16.0, 24.0, 24.0),
        centre_mm=(16.0, 12.0, 12.0),
        patient_mm=(12.0, 12.0, 16.0),
        diameter_mm=diameter_mm,
        score=0.9,
    )
    task = MicrobleedDetection(**SMALL)
    placed = task.localise(bleed, labels, (0, 0, 0), volume)
    assert isinstance(placed, Microbleed)
    assert placed.region is Region.DEEP
    outside = task.localise(bleed, labels * 0, (0, 0, 0), volume)
    assert isinstance(outside, DroppedCandidate)
