"""Interpolated thresholding against a naive float32 oracle with the same bits."""

import numpy as np
import pytest
from devices import Cpu
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sdk import kernels
from sdk.geometry import Placement

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=30)


def axis(source: int, output: int):
    centre = (2 * np.arange(output) + 1) * source - output
    first = np.clip(centre // (2 * output), 0, source - 1)
    part = (centre % (2 * output)).astype(np.float32) / np.float32(2 * output)
    part[(centre <= 0) | (first == source - 1)] = 0
    return first, np.minimum(first + 1, source - 1), part


def between(a, b, part):
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(part == 0, a, a * (np.float32(1) - part) + b * part)


def oracle(logits, level, shape):
    left, right, part = axis(logits.shape[1], shape[1])
    wide = between(logits[:, left], logits[:, right], part)
    up, down, part = axis(logits.shape[0], shape[0])
    return between(wide[up], wide[down], part[:, None]) >= np.float32(level)


def test_pixels_that_nobody_counts_are_drawn_alike(device):
    logits = np.random.default_rng(0).normal(size=(9, 7)).astype(np.float32)
    mask = device.put(np.full((20, 20), 7, np.uint8))
    assert kernels.threshold(device.put(logits), 0.0, out=mask, counted=False) is None
    np.testing.assert_array_equal(device.get(mask), oracle(logits, 0.0, (20, 20)))


def check(logits, level, shape, device=None):
    device = device or Cpu()
    mask = device.put(np.full(shape, 7, np.uint8))
    expected = oracle(logits, level, shape)
    assert kernels.threshold(device.put(logits), level, out=mask) == expected.sum()
    np.testing.assert_array_equal(device.get(mask), expected)


@given(st.data(), SHAPES, SHAPES, st.floats(width=32, allow_nan=False))
def test_equals_the_oracle(device, data, shape, out_shape, level):
    check(data.draw(arrays(np.float32, shape)), level, out_shape, device)


@pytest.mark.parametrize("size", [(65, 131), (130, 262), (64, 262), (31, 40), (700, 1500), (1, 1)])
def test_every_path_and_instruction_set_agrees(cpu_target, size):
    logits = np.random.default_rng(0).normal(size=(65, 131)).astype(np.float32)
    check(logits, 0.1, size)


@pytest.mark.parametrize("columns", [1, 3, 700, 1030, 2060])
def test_logits_wider_than_the_buffers(columns):
    logits = np.random.default_rng(1).normal(size=(3, 1030 if columns > 1 else 9000))
    check(logits.astype(np.float32), 0, (4, columns))


def test_agrees_with_the_placement_of_the_source():
    placement = Placement.fit((40, 30), (16, 16))
    logits = np.zeros((16, 16), np.float32)
    rows, columns = placement.window
    logits[rows, columns] = np.arange(placement.size[1])
    mask = np.empty(placement.source, np.uint8)
    kernels.threshold(logits[rows, columns], 5.5, out=mask)
    centre = placement.to_network([0.0, float(mask[0].argmax())])[1] - placement.origin[1]
    assert centre >= 5.5
    assert centre - placement.scale[1] < 5.5


def test_nan_is_outside_and_infinity_keeps_its_sign():
    logits = np.array([[np.nan, 1], [np.inf, -np.inf]], np.float32)
    mask = np.empty((2, 2), np.uint8)
    assert kernels.threshold(logits, 0, out=mask) == 2
    np.testing.assert_array_equal(mask, [[0, 1], [1, 0]])


def test_writes_a_window_of_a_boolean_mask():
    mask = np.zeros((6, 6), np.bool_)
    assert kernels.threshold(np.ones((2, 2), np.float32), 0, out=mask[1:5, 1:5]) == 16
    assert mask.sum() == 16


@pytest.mark.parametrize(
    ("logits", "level", "out", "message"),
    [
        (np.zeros((2, 2)), 0, np.zeros((2, 2), np.uint8), "logits must be float32"),
        (np.zeros((2, 2), np.float32), 0, np.zeros((2, 2)), "out must be uint8"),
        (np.zeros((2, 2), np.float32), float("nan"), np.zeros((2, 2), np.uint8), "level must be"),
        (np.zeros((0, 2), np.float32), 0, np.zeros((2, 2), np.uint8), "logits must have pixels"),
        (np.zeros((2, 2, 1), np.float32), 0, np.zeros((2, 2), np.uint8), "2-dimensional"),
    ],
)
def test_refuses_and_says_why(logits, level, out, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.threshold(logits, level, out=out)
