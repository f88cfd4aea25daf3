"""The noise level against Immerkaer's formula and against noise of known deviation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sdk import kernels


def oracle(pixels: np.ndarray) -> float:
    rows, columns = pixels.shape
    if min(rows, columns) < 3:
        return 0.0
    kernel = np.outer([1, -2, 1], [1, -2, 1])
    total = sum(
        kernel[i, j] * pixels[i : rows - 2 + i, j : columns - 2 + j].astype(np.int64)
        for i in range(3)
        for j in range(3)
    )
    return np.sqrt(np.pi / 2) / 6 * np.abs(total).sum() / ((rows - 2) * (columns - 2))


SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=40)


@given(st.data(), st.sampled_from([np.uint8, np.uint16]), SHAPES)
def test_equals_the_formula(device, data, dtype, shape):
    pixels = data.draw(arrays(dtype, shape))
    assert kernels.noise_level(device.put(pixels)) == pytest.approx(oracle(pixels), rel=1e-14)


def test_every_instruction_set_survives_the_largest_laplacian(cpu_target):
    checkers = (np.indices((5, 3001)).sum(0) % 2 * 65535).astype(np.uint16)
    assert kernels.noise_level(checkers) == pytest.approx(oracle(checkers), rel=1e-14)


@pytest.mark.parametrize("deviation", [3.0, 30.0])
def test_reads_gaussian_noise_on_a_plane(deviation):
    rows, columns = np.indices((300, 300))
    noise = np.random.default_rng(0).normal(0, deviation, (300, 300))
    pixels = np.round(1000 + 3 * rows + 5 * columns + noise).astype(np.uint16)
    assert kernels.noise_level(pixels) == pytest.approx(deviation, rel=0.03)


def test_takes_rows_in_any_order():
    pixels = np.random.default_rng(1).integers(0, 4096, (40, 50), np.uint16)
    assert kernels.noise_level(pixels[::-2, 3:]) == pytest.approx(oracle(pixels[::-2, 3:]))


@pytest.mark.parametrize("pixels", [np.zeros((4, 4)), np.zeros((4, 4), np.int16)])
def test_refuses_another_dtype(pixels):
    with pytest.raises(TypeError, match="pixels must be uint8 or uint16"):
        kernels.noise_level(pixels)
