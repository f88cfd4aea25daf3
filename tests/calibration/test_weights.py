"""Weights keep their channels' scales and lose at most half a step."""

import numpy as np
import pytest

from calibration.weights import SMALLEST_SCALE, quantise_weight, up_to_half


@pytest.mark.parametrize("axis", [0, 1])
def test_every_channel_has_its_own_scale(axis):
    weight = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    integers, scales = quantise_weight(weight, axis)
    for channel in range(weight.shape[axis]):
        values = weight.take(channel, axis)
        assert scales[channel] == up_to_half(np.abs(values).max() / np.float32(127))
        restored = integers.take(channel, axis) * scales[channel]
        assert np.abs(restored - values).max() <= scales[channel] * 0.5001
        assert np.abs(integers.take(channel, axis)).max() == 127


def test_a_channel_of_zeros_has_a_positive_scale():
    integers, scales = quantise_weight(np.zeros((2, 3), np.float32), 0)
    assert (scales == np.float32(SMALLEST_SCALE)).all()
    assert not integers.any()
    assert np.float16(scales[0]) > 0


def test_a_weight_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        quantise_weight(np.array([[1.0, np.nan]], np.float32), 0)


def test_scales_are_the_next_halves():
    exact = np.array([1.0, 1.00001, 3e-8, 1e-3 / 127, 70000.0], np.float32)
    found = up_to_half(exact)
    assert found.dtype == np.float32
    assert (found >= exact).all()
    assert (found[:4] == found[:4].astype(np.float16)).all()
    assert found[0] == 1.0
    assert found[1] == 1 + 2.0**-10
    assert found[4] == 70000.0
