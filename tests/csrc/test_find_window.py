"""A window measured where the frame is: the percentiles and the subtraction with the same bits."""

import numpy as np
import pytest

from sdk import kernels
from sdk.kernels import Subtraction


def measure(device, pixels, q, irradiated=None):
    out = device.put(np.zeros(3, np.float64))
    kernels.find_window(device.put(pixels), q, out=out, irradiated=device.put(irradiated))
    return out


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("q", [(1.0, 99.0), (0.0, 100.0), (16.0, 50.0), (33.3, 66.7)])
def test_low_and_high_are_percentiles(device, dtype, q):
    pixels = np.random.default_rng(0).integers(0, 200, (33, 21)).astype(dtype)
    low, high, scale = device.get(measure(device, pixels, q))
    assert (low, high) == kernels.percentiles(pixels, q).values
    assert scale == 1.0 / (high - low)


def test_only_pixels_inside_the_shutter_count(device):
    pixels = np.arange(64, dtype=np.float32).reshape(8, 8)
    inside = (pixels < 10).astype(np.uint8)
    low, high, _ = device.get(measure(device, pixels, (0.0, 100.0), inside))
    assert (low, high) == (0.0, 9.0)
    blank = device.get(measure(device, pixels, (0.0, 100.0), np.zeros_like(inside)))
    assert np.isnan(blank).all()


@pytest.mark.parametrize("shape", [(16, 16), (8, 8), (11, 7)])
@pytest.mark.parametrize("masked", [False, True])
def test_a_measured_window_subtracts_as_its_numbers_do(device, shape, masked):
    rng = np.random.default_rng(1)
    frame, mask = rng.integers(0, 4096, (2, 16, 16), np.uint16)
    options = Subtraction(log=True, clip=True, span=(-1.0, 2.5))
    given = mask if masked else None
    probe = np.empty((16, 16), np.float32)
    kernels.subtract(frame, probe, mask=given, options=Subtraction(log=True))
    window = measure(device, probe, (5.0, 95.0))
    out = device.put(np.full(shape, np.nan, np.float32))
    kernels.subtract(device.put(frame), out, mask=device.put(given), options=options, window=window)
    low, high = kernels.percentiles(probe, (5.0, 95.0)).values
    plain = Subtraction(log=True, clip=True, low=low, high=high)
    unit = kernels.subtract(frame, np.empty(shape, np.float32), mask=given, options=plain)
    expected = unit * np.float32(3.5) + np.float32(-1.0)
    np.testing.assert_array_equal(device.get(out), expected)


def test_what_is_no_window_is_refused(device):
    pixels, out = device.put(np.zeros((4, 4), np.uint8)), device.put(np.zeros(2, np.float64))
    with pytest.raises(ValueError, match=r"q must be two percentages and out \(3,\), got 2 and"):
        kernels.find_window(pixels, (1, 99), out=out)
    with pytest.raises(ValueError, match="multiply fractions by 100"):
        kernels.find_window(pixels, (1, 101), out=out)
    with pytest.raises(ValueError, match=r"window must be \(3,\)"):
        kernels.subtract(
            pixels, device.put(np.zeros((4, 4), np.float32)), options=Subtraction(), window=out
        )
    with pytest.raises(ValueError, match="span must be two different finite values"):
        Subtraction(span=(1.0, 1.0))


@pytest.mark.gpu
def test_nothing_is_waited_for_on_a_device(cuda):
    pixels, workspace = cuda.put(np.zeros((64, 64), np.float32)), kernels.PercentileWorkspace()
    out = cuda.put(np.zeros(3, np.float64))

    def work():
        kernels.find_window(pixels, (1, 99), out=out, workspace=workspace)

    work()
    before = kernels.device_traffic()
    work()
    assert kernels.device_traffic() == before
