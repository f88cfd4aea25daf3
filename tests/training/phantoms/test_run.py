"""A phantom run shows a bolus, its defects and its truth at the frames it says."""

from __future__ import annotations

import numpy as np
import pytest

from training.phantoms.quality import noise_share
from training.phantoms.run import PhantomRun, RunOptions, phantom_run
from training.phantoms.texture import REFERENCE_SIDE

FRAMES = 24


@pytest.fixture(scope="module")
def run() -> PhantomRun:
    """A short run of 256 x 256 frames."""
    return phantom_run(5, FRAMES, 256)


def test_a_run_keeps_its_promises(run: PhantomRun) -> None:
    assert run.pixels.shape == run.vessels.shape == (FRAMES, 256, 256)
    assert run.pixels.dtype == np.uint16
    assert int(run.pixels.max()) < 4096
    assert len(run.severities) == len(run.grades) == FRAMES
    assert run.pixel_spacing_mm == pytest.approx((0.56, 0.56))


def test_a_seed_is_a_run(run: PhantomRun) -> None:
    assert np.array_equal(run.pixels, phantom_run(5, FRAMES, 256).pixels)


def test_mask_frames_hold_no_contrast_and_are_poor(run: PhantomRun) -> None:
    assert run.vessels[: run.mask_frames].sum() == 0
    assert (run.grades[: run.mask_frames] == 0).all()


def test_vessels_fill_and_belong_to_the_tree(run: PhantomRun) -> None:
    still = [index for index, entry in enumerate(run.severities) if entry.motion == 0.0]
    counts = [int(run.vessels[index].sum()) for index in still]
    assert max(counts) > 0.95 * run.tree.sum()
    assert all((run.vessels[index] <= run.tree).all() for index in still)


def test_grades_follow_the_severities(run: PhantomRun) -> None:
    assert run.grades.tolist() == [entry.grade_or_ungraded for entry in run.severities]
    assert {0, 1, 2} <= set(run.grades.tolist())


def test_low_dose_frames_are_noisier(run: PhantomRun) -> None:
    def roughness(index: int) -> float:
        return float(np.median(np.abs(np.diff(run.pixels[index].astype(float), axis=1))))

    low = [i for i, entry in enumerate(run.severities) if entry.noise > 0.8]
    best = [i for i, entry in enumerate(run.severities) if entry.worst < 0.2]
    assert min(map(roughness, low)) > 1.5 * max(map(roughness, best))


def test_noise_is_the_share_of_what_is_shown_that_its_severity_says(run: PhantomRun) -> None:
    logs = np.log1p(run.pixels.astype(np.float64))
    worst = max(range(FRAMES), key=lambda index: run.severities[index].noise)
    filled = max(range(FRAMES), key=lambda index: int(run.vessels[index].sum()))
    outside = (run.tree == 0) & (run.pixels[filled] > 0.2 * run.pixels[filled].max())
    noise = (logs[worst] - logs[0])[outside]
    low, high = np.percentile((logs[filled] - logs[0])[run.pixels[filled] > 0], (1, 99))
    share = 1.4826 * float(np.median(np.abs(noise - np.median(noise)))) / (high - low)
    finer = run.pixels.shape[1] / REFERENCE_SIDE
    assert share == pytest.approx(noise_share(run.severities[worst].noise) * finer, rel=0.35)


def test_refuses_a_run_shorter_than_its_mask() -> None:
    with pytest.raises(ValueError, match="3 of the mask, got 2"):
        phantom_run(0, 2, 256, RunOptions(mask_frames=3))
