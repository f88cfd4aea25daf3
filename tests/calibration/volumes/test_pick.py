"""At least half of the tiles hold a bleed, and mimics come before what is easy."""

import numpy as np
import pytest
import volume_folders
from cohorts import LESIONS, write_cohort

from calibration.progress import silent
from calibration.volumes.findings import Study, lowered
from calibration.volumes.pick import Larder, _Place, chosen_tiles
from calibration.volumes.subjects import open_subjects
from sdk.model_folder import ModelFolder
from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tasks.tiles import Tile

TILE = Tile((0, 0, 0), (0.0,) * 3, (8.0,) * 3)


def places(lesions, mimics):
    """Tiles with so many lesions each, and with mimics of these scores."""
    return [
        _Place(subject=0, tile=TILE, lesions=np.zeros((count, 4)), mimic=mimic)
        for count, mimic in zip(lesions, mimics, strict=True)
    ]


@pytest.mark.parametrize("count", [1, 2, 5, 8, 20])
def test_half_of_the_tiles_or_more_hold_bleeds(count):
    random = np.random.default_rng(count)
    chosen = chosen_tiles(places(random.integers(0, 2, 20), np.zeros(20)), count)
    with_bleeds = [place for place in chosen if len(place.lesions)]
    assert 0 < len(chosen) <= count
    assert 2 * len(with_bleeds) >= len(chosen)


def test_where_few_tiles_have_bleeds_few_are_taken():
    assert len(chosen_tiles(places([1, 1] + [0] * 18, np.zeros(20)), 16)) == 4


def test_the_best_mimics_come_first():
    mimics = [0.0, 0.3, 0.0, 0.4, 0.1, 0.0]
    chosen = chosen_tiles(places([1, 0, 1, 0, 0, 0], mimics), 4)
    assert [place.mimic for place in chosen if not len(place.lesions)] == [0.3, 0.4]


def test_inputs_are_those_that_the_device_sees(model, tmp_path):
    folder = ModelFolder.open(model)
    write_cohort(tmp_path / "cohort", LESIONS)
    subjects = open_subjects([tmp_path / "cohort"])
    found = Study(subjects=subjects, threads=1, track=silent).find(
        lowered(folder, tmp_path / "low"), ["fp32"]
    )["fp32"]
    task = MicrobleedDetection(**folder.manifest.options)
    larder = Larder(
        folder=tmp_path / "larder", task=task, subjects=subjects, findings=found, track=silent
    )
    stocked = larder.stock(6)
    for stored in stocked["detector"].picks:
        name = stored.label.split(",")[0]
        brain = task.prepare(next(s for s in subjects if s.name == name).read().volume)
        expected = np.zeros((2, *task.tile), np.float32)
        brain.fill_tile(stored.tile.origin, expected)
        assert np.array_equal(np.load(stored.file)[0], expected)
        assert stored.lies.volume.shape == brain.volume.shape
        assert stored.lies.volume.voxels.strides == (0, 0, 0)
    assert len(stocked["regions"]) == 6
    assert np.load(stocked["regions"].picks[0].file).shape[2:] == volume_folders.PATCH
