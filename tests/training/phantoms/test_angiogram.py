"""Phantom frames are reproducible, labelled, and impaired where they say so."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from training.phantoms.angiogram import draw_detector, draw_scene, phantom_frame
from training.phantoms.detector import ELECTRONIC_NOISE, FieldOfView, expose
from training.phantoms.quality import Severities
from training.preprocess import network_input

SIZE = 256


@pytest.mark.parametrize("grade", [0, 1, 2])
def test_a_seed_is_a_frame(grade: int) -> None:
    first, second = phantom_frame(11, SIZE, grade), phantom_frame(11, SIZE, grade)
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.vessels, second.vessels)
    assert not np.array_equal(first.pixels, phantom_frame(12, SIZE, grade).pixels)


@pytest.mark.parametrize("seed", range(6))
def test_a_frame_keeps_its_promises(seed: int) -> None:
    frame = phantom_frame(seed, SIZE)
    assert frame.pixels.shape == frame.vessels.shape == (SIZE, SIZE)
    assert (frame.pixels.dtype, frame.vessels.dtype) == (np.uint16, np.uint8)
    assert frame.grade == frame.severities.grade
    assert set(np.unique(frame.vessels)) <= {0, 1}
    assert frame.mask is None or frame.mask.shape == frame.pixels.shape


def test_refuses_a_grade_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="got 7"):
        phantom_frame(0, SIZE, 7)


def test_half_of_the_pixels_inside_vessels_differ_from_their_surroundings() -> None:
    contrasts = []
    for seed in range(8):
        frame = phantom_frame(seed, SIZE, 2)
        image = network_input(frame, SIZE)
        inside = frame.vessels > 0
        ring = (np.roll(inside, 6, 0) | np.roll(inside, -6, 0) | np.roll(inside, 6, 1)) & ~inside
        contrasts.append(abs(float(np.median(image[inside]) - np.median(image[ring]))))
    assert np.median(contrasts) > 0.1


def test_the_scene_does_not_know_the_grade() -> None:
    """Anatomy and tree are drawn by a function that is given neither grade nor severities."""
    first = draw_scene(np.random.default_rng(3), SIZE)
    second = draw_scene(np.random.default_rng(3), SIZE)
    assert np.array_equal(first.anatomy, second.anatomy)
    assert np.array_equal(first.vessels.truth, second.vessels.truth)


def test_noise_has_the_deviation_of_its_detector() -> None:
    depth = np.full((SIZE, SIZE), 0.5, np.float32)
    drawn = draw_detector(np.random.default_rng(5), Severities(), subtracted=True)
    for deviation in (0.006, 0.02, 0.07):
        detector = replace(drawn, relative_noise=deviation)
        beam = expose(depth, detector, np.random.default_rng(6))
        expected = deviation + ELECTRONIC_NOISE
        assert beam.std() / beam.mean() == pytest.approx(expected, rel=0.05)


def test_motion_smears_along_its_direction_only() -> None:
    depth = np.zeros((SIZE, SIZE), np.float32)
    depth[SIZE // 2 :] = 1.0
    detector = draw_detector(np.random.default_rng(0), Severities(), subtracted=False)
    detector = replace(detector, relative_noise=0.0, scatter=0.0)
    across = expose(depth, replace(detector, motion_px=(20.0, 0.0)), np.random.default_rng(0))
    along = expose(depth, replace(detector, motion_px=(0.0, 20.0)), np.random.default_rng(0))
    steepest = [float(np.abs(np.diff(beam, axis=0)).max()) for beam in (across, along)]
    assert steepest[0] < 0.5 * steepest[1]


def test_blades_hide_their_share() -> None:
    window = FieldOfView(blades=(0.25, 0.0, 0.0, 0.0)).window(SIZE)
    assert float((window < 0.5).mean()) == pytest.approx(0.25, abs=0.01)


def test_needs_no_torch() -> None:
    code = (
        "import sys, training.phantoms.run, training.preprocess; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
