"""Trees obey Murray's law, stay reproducible, and project to what they are."""

from __future__ import annotations

import numpy as np
import pytest

from training.phantoms.bolus import DISTAL_FILLING, Bolus, front
from training.phantoms.projection import project
from training.phantoms.vessel_tree import Branch, cerebral_tree, coronary_tree


def straight(radius: float, row: float = 64.0) -> Branch:
    """A horizontal vessel of constant radius through a 128 x 128 frame."""
    columns = np.linspace(-10.0, 138.0, 60)
    return Branch(
        points=np.stack([np.full(60, row), columns], axis=1),
        radii=np.full(60, radius),
        distance=columns + 10.0,
    )


@pytest.mark.parametrize("grow", [cerebral_tree, coronary_tree])
def test_branches_never_grow_thicker_along_the_way(grow) -> None:
    branches = grow(np.random.default_rng(2), 512, 1.0)
    assert len(branches) > 3
    for branch in branches:
        assert (np.diff(branch.radii) <= 1e-9).all()
        assert (np.diff(branch.distance) >= -1e-9).all()
        assert branch.points.shape == (len(branch.radii), 2)


@pytest.mark.parametrize("radius", [0.9, 1.5, 3.0, 6.0])
def test_thickness_is_the_chord_through_a_round_lumen(radius: float) -> None:
    layer = project([straight(radius)], 128)
    profile = layer.thickness[:, 64]
    area, rim = np.pi * radius**2, 2 * np.pi * radius
    # A profile sums up to the lumen's cross-section; lines of whole width reach a little farther.
    assert 0.9 * area < profile.sum() < 1.05 * area + 0.3 * rim
    assert profile.max() <= 2.3 * radius


@pytest.mark.parametrize("radius", [1.0, 2.5, 6.0])
def test_truth_is_as_wide_as_the_vessel(radius: float) -> None:
    truth = project([straight(radius)], 128).truth
    assert truth[:, 64].sum() == pytest.approx(2 * radius, abs=1.01)


def test_vessels_too_thin_to_label_are_drawn_but_not_truth() -> None:
    layer = project([straight(0.6)], 128)
    assert layer.thickness.max() > 0
    assert layer.truth.sum() == 0


def test_crossing_vessels_add_up() -> None:
    one, two = project([straight(4.0)], 128), project([straight(4.0), straight(4.0)], 128)
    np.testing.assert_allclose(two.thickness, 2 * one.thickness, rtol=1e-5)


def test_contrast_arrives_along_the_tree_and_washes_out() -> None:
    arrival = project([straight(3.0)], 128).arrival[64]
    bolus = Bolus(start_ms=100.0, transit_ms=1000.0)
    early, late = bolus.filling(arrival, 600.0), bolus.filling(arrival, 9000.0)
    assert early[5] > 0.9
    assert early[-5] < 0.1
    assert late.max() < 0.05
    assert bolus.filling(arrival, 0.0).max() < 0.2


def test_a_front_leaves_the_distal_part_faint() -> None:
    arrival = np.linspace(0, 1, 101, dtype=np.float32)
    filled = front(arrival, 0.5)
    assert filled[:40].min() > 0.9
    assert filled[60:] == pytest.approx(DISTAL_FILLING, abs=0.05)
