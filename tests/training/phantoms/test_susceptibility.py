"""Fields, phases and signals follow the formulas they are named after."""

from __future__ import annotations

import numpy as np
import pytest

from training.phantoms.susceptibility import (
    Acquisition,
    Tissue,
    dipole_field,
    filtered_phase,
    signal,
    thick_slices,
    weighted,
)

SIDE, RADIUS = 48, 4.0
ACQUISITION = Acquisition()


@pytest.fixture(scope="module")
def ball() -> np.ndarray:
    """1 ppm inside a ball with a soft edge, 0 outside."""
    z, y, x = (axis - SIDE / 2 for axis in np.ogrid[:SIDE, :SIDE, :SIDE])
    return np.clip(RADIUS - np.sqrt(z**2 + y**2 + x**2) + 0.5, 0, 1).astype(np.float32)


def test_the_field_of_a_ball_is_a_dipole(ball: np.ndarray) -> None:
    """chi / 3 (a / r)^3 (3 cos^2 - 1) outside; the circular copies are far away."""
    field = dipole_field(ball, (1.0, 1.0, 1.0))
    middle = SIDE // 2
    for distance in (7, 9, 11):
        moment = float(ball.sum()) / (4 / 3 * np.pi) / distance**3 / 3
        assert field[middle + distance, middle, middle] == pytest.approx(2 * moment, rel=0.12)
        assert field[middle, middle + distance, middle] == pytest.approx(-moment, rel=0.12)


def test_calcium_has_the_opposite_field_of_iron(ball: np.ndarray) -> None:
    iron, calcium = (dipole_field(sign * ball, (1.0, 1.0, 1.0)) for sign in (1, -1))
    np.testing.assert_allclose(iron, -calcium, atol=1e-6)


def test_a_cylinder_along_the_field_shifts_by_a_third() -> None:
    y, x = (axis - SIDE / 2 for axis in np.ogrid[:SIDE, :SIDE])
    disc = (np.hypot(y, x) < 5).astype(np.float32)
    vein = np.broadcast_to(disc, (8, SIDE, SIDE)).copy()
    inside = dipole_field(vein, (1.0, 1.0, 1.0))[4, SIDE // 2, SIDE // 2]
    assert inside == pytest.approx(1 / 3, abs=0.02)


def test_signal_decays_and_turns() -> None:
    shape = (2, 2, 2)
    tissue = Tissue(
        susceptibility_ppm=np.zeros(shape, np.float32),
        density=np.full(shape, 0.8, np.float32),
        decay_per_s=np.full(shape, 20.0, np.float32),
    )
    image = signal(tissue, np.full(shape, 0.01, np.float32), ACQUISITION)
    np.testing.assert_allclose(np.abs(image), 0.8 * np.exp(-0.02 * 20), rtol=1e-5)
    expected = 2 * np.pi * 42.577 * 3.0 * 0.020 * 0.01
    np.testing.assert_allclose(np.angle(image), expected, rtol=1e-4)


def test_a_gradient_of_one_turn_per_voxel_leaves_no_signal() -> None:
    ramp = np.arange(6, dtype=np.float32)[:, None, None] / np.float32(ACQUISITION.cycles_per_ppm)
    ramp = np.broadcast_to(ramp, (6, 3, 3)).copy()
    ones = np.ones_like(ramp)
    tissue = Tissue(susceptibility_ppm=0 * ones, density=ones, decay_per_s=0 * ones)
    assert float(np.abs(signal(tissue, ramp, ACQUISITION)).max()) < 1e-3


def test_thin_slices_out_of_phase_cancel() -> None:
    fine = np.array([1, -1, 1, 1], np.complex64)[:, None, None]
    np.testing.assert_allclose(thick_slices(fine, 2)[:, 0, 0], [0, 1])


def test_the_filter_removes_a_slow_phase_and_keeps_a_fine_one() -> None:
    rows = np.arange(128)[:, None] * np.ones((1, 128))
    slow = 2 * np.pi * rows / 128
    fine = np.zeros((128, 128))
    fine[62:66, 62:66] = 1.0
    filtered = filtered_phase(np.exp(1j * (slow + fine))[None].astype(np.complex64), 0.125)[0]
    assert np.abs(np.delete(filtered, np.s_[50:80], 0)).max() < 0.1
    assert filtered[63, 63] > 0.6


def test_the_mask_darkens_iron_and_spares_calcium() -> None:
    ones = np.ones(3, np.float32)
    phase = np.array([-1.0, 0.0, np.pi / 2], np.float32)
    np.testing.assert_allclose(weighted(ones, phase, 4), [1.0, 1.0, 0.0625], rtol=1e-5)
