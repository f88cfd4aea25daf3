"""The running minimum against NumPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sdk import kernels

FRAMES = array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=70)


@given(st.data(), st.sampled_from([np.uint8, np.uint16]), FRAMES)
def test_equals_numpy(device, data, dtype, shape):
    frame, lowest = (data.draw(arrays(dtype, shape)) for _ in range(2))
    expected = np.minimum(frame, lowest)
    lowest = device.put(lowest)
    assert kernels.min_projection(device.put(frame), lowest) is lowest
    np.testing.assert_array_equal(device.get(lowest), expected)


def test_every_instruction_set_agrees(cpu_target):
    frame, lowest = np.random.default_rng(0).integers(0, 4096, (2, 65, 131), np.uint16)
    expected = np.minimum(frame, lowest)
    np.testing.assert_array_equal(kernels.min_projection(frame, lowest), expected)


def test_takes_rows_in_any_order():
    frame = np.arange(12, dtype=np.uint16).reshape(3, 4)
    lowest = np.full((3, 4), 6, np.uint16)
    kernels.min_projection(frame[::-1], lowest)
    np.testing.assert_array_equal(lowest, np.minimum(frame[::-1], 6))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((3, 4), np.int32), "frame must be uint8 or uint16, got int32"),
        (np.zeros((4, 3), np.uint16).T, "last axis is contiguous"),
        (np.zeros((3, 5), np.uint16), "lowest must be of the shape of frame"),
        (np.zeros((3, 4), bool), "frame must be uint8 or uint16, got bool"),
        ([[1, 2]], "frame must be an array"),
    ],
)
def test_refuses_and_says_why(frame, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.min_projection(frame, np.zeros((3, 4), np.uint16))


def test_refuses_to_write_to_read_only_memory():
    lowest = np.zeros((3, 4), np.uint16)
    lowest.flags.writeable = False
    with pytest.raises(ValueError, match="lowest must be writable"):
        kernels.min_projection(np.zeros((3, 4), np.uint16), lowest)
