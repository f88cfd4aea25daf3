"""Exact percentiles against NumPy's."""

import numpy as np
import pytest
from devices import Cpu
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sdk import kernels

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)
PERCENTAGES = st.lists(st.floats(0, 100), min_size=1, max_size=4)


def check(pixels, q, irradiated=None, device=None):
    device = device or Cpu()
    found = kernels.percentiles(device.put(pixels), q, irradiated=device.put(irradiated))
    used = pixels if irradiated is None else pixels[irradiated != 0]
    used = used[np.isfinite(used)].astype(np.float64)
    assert (found.used, found.ignored) == (used.size, pixels.size - used.size)
    expected = np.percentile(used, q) if used.size else np.full(len(q), np.nan)
    np.testing.assert_allclose(found.values, expected, rtol=1e-14, atol=0)


@given(st.data(), st.sampled_from([np.uint8, np.uint16]), SHAPES, PERCENTAGES)
def test_integers_equal_numpy(device, data, dtype, shape, q):
    check(data.draw(arrays(dtype, shape)), q, device=device)


@given(st.data(), SHAPES, PERCENTAGES)
def test_floats_equal_numpy(device, data, shape, q):
    check(data.draw(arrays(np.float32, shape)), q, device=device)


@given(st.data(), st.sampled_from([np.uint8, np.uint16, np.float32]), SHAPES, PERCENTAGES)
def test_only_irradiated_pixels_count(device, data, dtype, shape, q):
    pixels, irradiated = (data.draw(arrays(t, shape)) for t in (dtype, np.bool_))
    check(pixels, q, irradiated, device)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("highest", [1, 2, 255, 4096, 65536])
def test_large_strided_frames_with_ties(device, dtype, highest):
    pixels = np.random.default_rng(0).integers(0, highest, (301, 515)).astype(dtype)
    check(pixels[::-3, 2:-1], (0, 1, 37.2, 50, 99, 100), device=device)


def test_floats_of_one_binary_bin_and_of_all():
    rng = np.random.default_rng(1)
    check(rng.uniform(1.0, 1.0001, (200, 200)).astype(np.float32), (1, 50, 99))
    check(rng.integers(0, 2**32, (400, 400), np.uint32).view(np.float32), (0, 1, 50, 99, 100))


def test_nothing_to_use_is_not_a_number(device):
    nan = device.put(np.full((3, 3), np.nan, np.float32))
    assert np.isnan(kernels.percentiles(nan, (1, 99)).values).all()
    none, ones = device.put(np.zeros((3, 3), np.uint8)), device.put(np.ones((3, 3), np.uint16))
    found = kernels.percentiles(ones, (50,), irradiated=none)
    assert found.used == 0
    assert np.isnan(found.values[0])
    empty = device.put(np.ones((0, 3), np.uint16))
    assert np.isnan(kernels.percentiles(empty, (50,)).values[0])


def test_a_workspace_is_reused_across_sizes_and_dtypes():
    workspace = kernels.PercentileWorkspace()
    rng = np.random.default_rng(2)
    for dtype, side in [(np.uint16, 90), (np.float32, 5), (np.float32, 99), (np.uint8, 3)]:
        pixels = rng.integers(0, 200, (side, side)).astype(dtype)
        found = kernels.percentiles(pixels, (10,), workspace=workspace)
        assert found.values[0] == pytest.approx(np.percentile(pixels, 10))


@pytest.mark.parametrize(
    ("pixels", "q", "irradiated", "message"),
    [
        (np.zeros((2, 2), np.int32), (1,), None, "pixels must be uint8, uint16 or float32"),
        (np.zeros((2, 2), np.uint8), (101,), None, "q must be between 0 and 100"),
        (np.zeros((2, 2), np.uint8), (float("nan"),), None, "q must be between 0 and 100"),
        (np.zeros((2, 2), np.uint8), (1,), np.zeros((2, 3), np.uint8), "shape of pixels"),
        (np.zeros((2, 2), np.uint8), (1,), np.zeros((2, 2), np.uint16), "irradiated must be uint8"),
    ],
)
def test_refuses_and_says_why(pixels, q, irradiated, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.percentiles(pixels, q, irradiated=irradiated)
