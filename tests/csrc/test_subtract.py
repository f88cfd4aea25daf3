"""The fused subtraction against plain NumPy in float64."""

import dataclasses

import numpy as np
import pytest
from devices import Cpu
from hypothesis import given
from hypothesis import strategies as st

from sdk import kernels
from sdk.kernels import Subtraction


def weights(source: int, output: int, resize: str) -> np.ndarray:
    """(output, source) matrix of one axis of the resize."""
    matrix = np.zeros((output, source))
    for i in range(output):
        if resize == "nearest":
            matrix[i, int((2 * i + 1) * source / (2 * output))] = 1
        elif output > source:
            at = min(max((i + 0.5) * source / output - 0.5, 0), source - 1)
            matrix[i, int(at)] += 1 - (at - int(at))
            matrix[i, min(int(at) + 1, source - 1)] += at - int(at)
        else:
            low, high = i * source / output, (i + 1) * source / output
            j = np.arange(source)
            covered = np.minimum(high, j + 1) - np.maximum(low, j)
            matrix[i] = np.maximum(covered, 0) / (high - low)
    return matrix


def shifted(mask: np.ndarray, shift: tuple[float, float]) -> np.ndarray:
    for axis, distance in enumerate(shift):
        at = np.arange(mask.shape[axis]) - distance
        low = np.floor(at).astype(int)
        part = np.expand_dims(at - low, 1 - axis)
        last = mask.shape[axis] - 1
        below, above = (mask.take(np.clip(low + k, 0, last), axis) for k in (0, 1))
        mask = below * (1 - part) + above * part
    return mask


def oracle(frame, shape, mask, options):
    def value(pixels):
        pixels = pixels.astype(np.float64)
        return np.maximum(options.white - pixels, 0) if options.inverted else pixels

    def logged(pixels):
        return np.log(pixels + 1) if options.log else pixels

    out = logged(value(frame))
    if mask is not None:
        out = out - logged(shifted(value(mask), options.shift_px))
    rows, columns = (weights(frame.shape[a], shape[a], options.resize) for a in (0, 1))
    out = (rows @ out @ columns.T - options.low) / (options.high - options.low)
    return np.clip(out, 0, 1) if options.clip else out


def check(frame, shape, mask, options, device=None):
    device = device or Cpu()
    given = device.put(np.full(shape, np.nan, np.float32))
    put_mask = device.put(mask)
    assert kernels.subtract(device.put(frame), given, mask=put_mask, options=options) is given
    out = device.get(given)
    np.testing.assert_allclose(
        out, oracle(frame, shape, mask, options), **tolerance(options, frame)
    )
    return out


def tolerance(options, frame):
    """A few roundings of the largest value to float32, seen through the window."""
    highest = max(np.iinfo(frame.dtype).max, options.white if options.inverted else 0)
    magnitude = np.log(highest + 1.0) if options.log else highest
    extent = (magnitude + abs(options.low)) / abs(options.high - options.low)
    return {"rtol": 0, "atol": 5e-7 * extent}


SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))
SHIFTS = st.one_of(st.just(0.0), st.floats(-60, 60, width=32))


@given(st.data(), st.sampled_from([np.uint8, np.uint16]), SHAPES, SHAPES)
def test_equals_the_naive_chain(device, data, dtype, shape, out_shape):
    seed = data.draw(st.integers(0, 2**32 - 1))
    frame, mask = np.random.default_rng(seed).integers(
        0, np.iinfo(dtype).max, (2, *shape), dtype, endpoint=True
    )
    options = Subtraction(
        log=data.draw(st.booleans()),
        inverted=data.draw(st.booleans()),
        white=data.draw(st.sampled_from([200, 4095, 65535])),
        shift_px=data.draw(st.tuples(SHIFTS, SHIFTS)),
        resize=data.draw(st.sampled_from(["area", "nearest"])),
        low=data.draw(st.sampled_from([-3.0, 0.0, 100.0])),
        high=data.draw(st.sampled_from([-5.0, 0.5, 1.0, 3000.0])),
        clip=data.draw(st.booleans()),
    )
    check(frame, out_shape, mask if data.draw(st.booleans()) else None, options, device)


@pytest.mark.parametrize("resize", ["area", "nearest"])
@pytest.mark.parametrize("out_shape", [(4, 0), (0, 4), (0, 0)])
def test_an_output_without_pixels_is_filled_at_once(device, out_shape, resize):
    frame = np.ones((8, 8), np.uint16)
    for mask in (None, frame):
        check(frame, out_shape, mask, Subtraction(log=True, resize=resize), device)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", [(32, 1100), (16, 550), (15, 600), (32, 2200), (1, 1), (64, 90)])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.25, -2.5)])
def test_every_path_and_instruction_set_agrees(cpu_target, log, masked, shape, shift):
    frame, mask = np.random.default_rng(1).integers(0, 4096, (2, 32, 1100), np.uint16)
    options = Subtraction(log=log, shift_px=shift, low=-0.5, high=0.75)
    out = check(frame, shape, mask if masked else None, options)
    kernels_best = np.empty(shape, np.float32)
    from sdk import _native

    _native.limit_cpu_target("x86-64-v4")
    kernels.subtract(frame, kernels_best, mask=mask if masked else None, options=options)
    np.testing.assert_array_equal(out, kernels_best)


def test_averages_rows_wider_than_its_buffers():
    frame = np.random.default_rng(2).integers(0, 65536, (3, 9001), np.uint16)
    for columns in (1, 2, 4, 7):
        check(frame, (2, columns), frame[::-1], Subtraction(shift_px=(0.5, 0.5)))


@pytest.mark.parametrize("stored", [0, 1, 65534, 65535])
def test_logarithm_of_every_magnitude(device, stored):
    frame = np.full((4, 4), stored, np.uint16)
    for mask in (None, 0, 65535):
        masks = None if mask is None else np.full((4, 4), mask, np.uint16)
        for shape in ((4, 4), (2, 2), (3, 3), (9, 9)):
            check(frame, shape, masks, Subtraction(log=True), device)


def test_logarithm_is_within_its_tolerance_for_every_stored_value():
    frame = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    mask = np.full_like(frame, 700)
    for shape in ((256, 256), (128, 128)):
        out = np.empty(shape, np.float32)
        kernels.subtract(frame, out, mask=mask, options=Subtraction(log=True))
        exact = oracle(frame, shape, mask, Subtraction(log=True))
        assert np.abs(out - exact).max() < 1e-6


def test_linear_halving_is_exact():
    frame, mask = np.random.default_rng(3).integers(0, 65536, (2, 64, 64), np.uint16)
    out = np.empty((32, 32), np.float32)
    kernels.subtract(frame, out, mask=mask, options=Subtraction())
    means = (frame.astype(int) - mask).reshape(32, 2, 32, 2).sum((1, 3)) / 4
    np.testing.assert_array_equal(out, means)


def test_fills_a_window_of_a_larger_input_and_nothing_else():
    frame = np.random.default_rng(4).integers(0, 4096, (50, 40), np.uint16)
    network = np.full((64, 64), -7, np.float32)
    kernels.subtract(frame, network[7:57, 12:52], options=Subtraction())
    np.testing.assert_array_equal(network[7:57, 12:52], frame)
    network[7:57, 12:52] = -7
    assert (network == -7).all()


def test_takes_rows_in_any_order():
    frame = np.random.default_rng(5).integers(0, 4096, (64, 30), np.uint16)
    check(frame[::-2], (16, 15), frame[1::2], Subtraction(shift_px=(0.5, 0.0)))


def test_a_shift_moves_the_mask_towards_higher_rows_and_columns():
    mask = np.zeros((9, 9), np.uint8)
    mask[4, 4] = 100
    out = np.empty((9, 9), np.float32)
    kernels.subtract(np.zeros_like(mask), out, mask=mask, options=Subtraction(shift_px=(2, 1)))
    assert np.unravel_index(out.argmin(), out.shape) == (6, 5)


def test_empty_output_is_left_alone():
    kernels.subtract(
        np.zeros((4, 4), np.uint8), np.empty((0, 3), np.float32), options=Subtraction()
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"low": 1.0, "high": 1.0}, "two different finite values"),
        ({"low": float("nan")}, "two different finite values"),
        ({"high": float("inf")}, "two different finite values"),
        ({"shift_px": (0.0, float("nan"))}, "shift_px must be two finite"),
        ({"resize": "cubic"}, "resize must be"),
        ({"white": 0}, "white must be"),
    ],
)
def test_refuses_options_that_mean_nothing(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(Subtraction(), **change)


@pytest.mark.parametrize(
    ("frame", "mask", "out", "message"),
    [
        (np.zeros((4, 4), np.int16), None, np.float32, "frame must be uint8 or uint16, got int16"),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint16), np.float32, "mask must be uint8"),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), np.float32, "shape of frame"),
        (np.zeros((4, 4), np.uint8), None, np.float64, "out must be float32, got float64"),
        (np.zeros((8, 4), np.uint8).T, None, np.float32, "last axis is contiguous"),
        (np.zeros((0, 4), np.uint8), None, np.float32, "frame must have pixels"),
        (np.zeros(4, np.uint8), None, np.float32, "frame must be 2-dimensional"),
    ],
)
def test_refuses_and_says_why(frame, mask, out, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.subtract(frame, np.zeros((2, 2), out), mask=mask, options=Subtraction())
