"""The overlay against a naive one."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk import kernels
from sdk.kernels import OverlayStyle
from sdk.kernels.drawing import COLOURS


def outlined(labels: np.ndarray, thickness: int) -> np.ndarray:
    rows, columns = labels.shape
    border = np.zeros(labels.shape, bool)
    for y, x in np.ndindex(rows, columns):
        for k in range(1, thickness + 1):
            for i, j in ((y - k, x), (y + k, x), (y, x - k), (y, x + k)):
                inside = 0 <= i < rows and 0 <= j < columns
                border[y, x] |= inside and labels[i, j] != labels[y, x]
    return border


def oracle(frame, labels, style, colours):
    scale = np.float32(255 / (style.high - style.low))
    gray = (frame.astype(np.float32) - np.float32(style.low)) * scale + np.float32(0.5)
    rgb = np.repeat(np.clip(gray, 0, 255).astype(np.uint8)[:, :, None], 3, 2)
    shown = labels > 0
    if style.outline_px:
        shown &= outlined(labels, style.outline_px)
    alpha = int(style.alpha * 256 + 0.5)
    colour = colours[(labels[shown].astype(int) - 1) % len(colours)]
    rgb[shown] = (rgb[shown].astype(int) * (256 - alpha) + colour * alpha + 128) >> 8
    return rgb


STYLES = st.builds(
    OverlayStyle,
    low=st.sampled_from([-50.0, 0.0, 3000.0]),
    high=st.sampled_from([100.0, 255.0, 65535.0]),
    alpha=st.sampled_from([0.0, 0.3, 1.0]),
    outline_px=st.sampled_from([0, 1, 2]),
)


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(
        st.sampled_from([np.uint8, np.uint16]), st.sampled_from([np.bool_, np.uint8, np.int32])
    ),
    st.tuples(st.integers(1, 20), st.integers(1, 40)),
    STYLES,
)
def test_equals_the_oracle(device, seed, dtypes, shape, style):
    dtype, label_dtype = dtypes
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    labels = (rng.integers(-1, 9, shape) * (rng.random(shape) < rng.random())).astype(np.int32)
    labels = np.maximum(labels, 0).astype(label_dtype) if label_dtype != np.int32 else labels
    drawn = device.get(kernels.overlay(device.put(frame), device.put(labels), style))
    np.testing.assert_array_equal(drawn, oracle(frame, labels, style, COLOURS.astype(int)))


def test_every_instruction_set_agrees(cpu_target):
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 4096, (37, 131), np.uint16)
    labels = rng.integers(0, 3, frame.shape).astype(np.uint8)
    style = OverlayStyle(low=4000, high=100, alpha=0.4, outline_px=2)
    drawn = kernels.overlay(frame, labels, style)
    np.testing.assert_array_equal(drawn, oracle(frame, labels, style, COLOURS.astype(int)))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (1, 5)])
def test_an_empty_frame_gives_an_empty_picture(shape):
    frame = np.zeros(shape, np.uint8)
    assert kernels.overlay(frame, frame, OverlayStyle(low=0, high=1)).shape == (*shape, 3)


def test_draws_into_a_window_of_a_larger_picture():
    picture = np.full((20, 30, 3), 9, np.uint8)
    frame = np.full((10, 12), 255, np.uint8)
    style = OverlayStyle(low=0, high=255)
    kernels.overlay(frame, np.zeros_like(frame), style, out=picture[5:15, 6:18])
    assert (picture[5:15, 6:18] == 255).all()
    picture[5:15, 6:18] = 9
    assert (picture == 9).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"low": 5.0, "high": 5.0}, "two different finite values"),
        ({"alpha": 1.5}, "alpha must be from 0 to 1"),
        ({"outline_px": 3}, "outline_px must be 0, 1 or 2"),
    ],
)
def test_refuses_a_style_that_means_nothing(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(OverlayStyle(low=0, high=1), **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frame": np.zeros((4, 5))}, "frame must be uint8 or uint16"),
        ({"out": np.zeros((4, 5, 3), bool)}, "out must be uint8, got bool"),
        ({"frame": np.zeros((4, 5), bool)}, "frame must be uint8 or uint16, got bool"),
        ({"labels": np.zeros((4, 6), np.uint8)}, "labels must be of the shape of frame"),
        ({"labels": np.zeros((4, 5), np.int64)}, "labels must be bool, uint8 or int32"),
        ({"colours": np.zeros((0, 3), np.uint8)}, "at least one colour"),
        ({"colours": np.zeros((3, 4), np.uint8)}, "contiguous .n, 3. array"),
        ({"out": np.zeros((4, 5, 4), np.uint8)}, "out must be .rows, columns, 3."),
        ({"out": np.zeros((4, 5, 4), np.uint8)[:, :, :3]}, "pixels next to each other"),
    ],
)
def test_refuses_and_says_why(change, message):
    given = {"frame": np.zeros((4, 5), np.uint8), "labels": np.zeros((4, 5), np.uint8)} | change
    frame, labels = given.pop("frame"), given.pop("labels")
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.overlay(frame, labels, OverlayStyle(low=0, high=1), **given)
