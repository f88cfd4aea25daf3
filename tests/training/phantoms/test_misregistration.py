"""A displaced mask leaves the residual that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from training.phantoms import quality
from training.phantoms.misregistration import (
    MOST_PX,
    SHOWN,
    STRONG,
    displaced,
    shift_per_share,
    shift_px,
)
from training.phantoms.texture import REFERENCE_SIDE, smooth_field

SIZE = 256
DIRECTION = 0.7


@pytest.fixture(scope="module")
def patient():
    """Smooth anatomy, the optical depth of which changes slowly against the displacement."""
    return 1.0 + 0.3 * smooth_field(np.random.default_rng(0), SIZE, 20.0)


@pytest.fixture(scope="module")
def blood():
    """A band of constant depth."""
    layer = np.zeros((SIZE, SIZE), np.float32)
    layer[100:130] = 0.8
    return layer


def test_the_residual_is_the_share_of_the_range_of_the_vessels(patient, blood) -> None:
    per_share = shift_per_share(patient, blood, DIRECTION)
    for severity in (0.2, 0.4, 0.6):
        way = shift_px(severity, per_share)
        assert 0.0 < way < MOST_PX
        residual = np.abs(displaced(patient, way, DIRECTION) - patient)
        found = np.percentile(residual, STRONG) / np.ptp(np.percentile(blood, SHOWN))
        assert found == pytest.approx(quality.residual_share(severity), rel=0.2)


def test_a_patient_without_edges_moves_no_farther_than_the_limit(blood) -> None:
    nothing = np.ones((SIZE, SIZE), np.float32)
    assert shift_px(1.0, shift_per_share(nothing, blood, DIRECTION)) == MOST_PX
    assert shift_px(0.0, 1e6) == 0.0


def test_a_displacement_is_in_pixels_of_the_reference_frame() -> None:
    dot = np.zeros((SIZE, SIZE), np.float32)
    dot[SIZE // 2, SIZE // 2] = 1.0
    rows = displaced(dot, 8.0, np.pi / 2).sum(axis=1)
    moved = float((rows * np.arange(SIZE)).sum() / rows.sum()) - SIZE // 2
    assert moved == pytest.approx(8.0 * SIZE / REFERENCE_SIDE, abs=0.3)
