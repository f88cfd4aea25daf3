"""Both ways of the volume benchmark find the same where nothing overlaps."""

import numpy as np
import pytest

pytest.importorskip("monai")
pytestmark = pytest.mark.filterwarnings("ignore")  # of the peer's imports

from benchmarks import volume  # noqa: E402
from benchmarks.volume_case import CASES, make  # noqa: E402
from benchmarks.volume_worker import STATUS, measure  # noqa: E402


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    if not STATUS.exists():
        pytest.skip("peaks are counted by Linux alone")
    place = tmp_path_factory.mktemp("case")
    make(CASES["one-tile"], place)
    return {way: measure(way, "one-tile", place) for way in volume.NAMES}


def test_both_ways_find_the_same_bleeds_in_the_same_regions(runs):
    ours, script = (np.array(runs[way]["bleeds"]) for way in volume.NAMES)
    assert len(ours) > 0
    np.testing.assert_allclose(ours[:, :3], script[:, :3], atol=0.05)
    assert "of them in the same region" in volume.agreement(runs)


def test_every_stage_has_seconds_and_a_peak(runs):
    for way in volume.NAMES:
        assert set(runs[way]["seconds"]) == set(volume.STAGES)
        assert all(seconds >= 0 for seconds in runs[way]["seconds"].values())
        assert runs[way]["peak_mib"].keys() == runs[way]["seconds"].keys()


def test_the_table_names_both_ways(runs):
    lines = {way: volume.summary([runs[way]]) for way in volume.NAMES}
    told = volume.table(lines)
    for name in volume.NAMES.values():
        assert f"| {name} |" in told


def test_the_full_case_is_the_published_matrix():
    case = CASES["full"]
    assert (case.shape, case.slices, case.tile) == ((72, 512, 448), 224, 128)


def test_one_tile_holds_the_ball_of_the_case_for_memory():
    case = CASES["few-tiles"]
    brain = case.task.prepare(case.head())
    assert len(case.task.plan(brain)[0]) == 1


def test_without_monai_it_is_said_before_anything_runs(monkeypatch):
    monkeypatch.setattr(volume, "find_spec", lambda _: None)
    with pytest.raises(SystemExit, match=r"pip install 'angioedge\[bench\]'"):
        volume.main([])
