"""A frame takes pixels as they are and refuses what does not fit together."""

import array
from fractions import Fraction

import numpy as np
import pytest

import sdk
from sdk import Frame, FrameError, Mask

PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 4)


class OnlyDlpack:
    def __init__(self, pixels):
        self._pixels = pixels

    def __dlpack__(self, **options):
        return self._pixels.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._pixels.__dlpack_device__()


class OnCuda:
    """What a CUDA array says about itself; no GPU is needed to describe one."""

    shape = (3, 4)
    __cuda_array_interface__ = {  # noqa: RUF012
        "shape": shape,
        "typestr": "<u2",
        "data": (4096, True),
        "version": 3,
    }


def test_keeps_the_very_pixels():
    assert Frame(pixels=PIXELS).pixels is PIXELS


@pytest.mark.parametrize("pixels", [OnlyDlpack(PIXELS), memoryview(PIXELS)])
def test_shares_memory_with_what_is_not_numpy(pixels):
    assert np.shares_memory(Frame(pixels=pixels).pixels, PIXELS)


def test_takes_pixels_on_a_cuda_device():
    assert Frame(pixels=OnCuda()).shape == (3, 4)


def test_knows_its_white():
    assert Frame(pixels=PIXELS).white == 65535
    assert Frame(pixels=PIXELS, bits_stored=10).white == 1023
    assert Frame(pixels=PIXELS.astype(np.uint8)).white == 255


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pixels": PIXELS.astype(np.float32)}, "uint8 or uint16, got float32"),
        ({"pixels": np.zeros((2, 3, 4), np.uint8)}, r"\(2, 3, 4\)"),
        ({"pixels": np.zeros((0, 4), np.uint8)}, "empty"),
        ({"pixels": "pixels"}, "must be an array"),
        ({"pixels": array.array("d", [1.0])}, "got float64"),
        ({"bits_stored": 17}, "bits_stored must be 1..16 .* or 0 for all"),
        ({"pixel_spacing_mm": (0.0, 1.0)}, "two positive finite lengths"),
        ({"pixel_spacing_mm": (0.2, np.nan)}, "two positive finite lengths"),
        ({"pixel_spacing_mm": (np.inf, 0.2)}, "two positive finite lengths"),
        ({"pixel_spacing_mm": 0.2}, "two positive finite lengths .*got 0.2"),
        ({"pixel_spacing_mm": "ab"}, "two positive finite lengths"),
        ({"bits_stored": 12.5}, r"bits_stored must be 1..16 .*got 12.5"),
        ({"bits_stored": None}, "bits_stored must be 1..16"),
        ({"intensity": "bogus"}, "sdk.Intensity, one of LIN, LOG, DISP, got 'bogus'"),
        ({"index": -1}, "a position in the run"),
        ({"index": 1.5}, "a position in the run"),
        ({"time_ms": np.nan}, "a finite number of milliseconds, got nan"),
        ({"time_ms": "1.0"}, "a finite number of milliseconds"),
        ({"pixels": PIXELS.astype(PIXELS.dtype.newbyteorder())}, "in the byte order of this"),
        ({"mask": PIXELS}, r"must be an sdk\.Mask, got ndarray"),
        ({"irradiated": np.full((3, 4), 256, np.uint16)}, "irradiated must be uint8 or bool"),
        ({"irradiated": np.full((3, 4), 0.5)}, "irradiated must be uint8 or bool, got float64"),
        ({"irradiated": [[1]]}, "irradiated must be an array"),
        ({"mask": Mask(pixels=PIXELS[:2])}, "mask must have the shape"),
        ({"irradiated": np.ones((4, 4), np.uint8)}, "irradiated must have the shape"),
    ],
)
def test_refuses_and_says_why(changes, message):
    with pytest.raises(FrameError, match=message):
        Frame(**({"pixels": PIXELS} | changes))


@pytest.mark.parametrize("shift", [(np.nan, 0.0), (1.0,), None, "ab", 1.0])
def test_a_mask_refuses_a_shift_that_is_none(shift):
    with pytest.raises(FrameError, match="shift_px must be two finite numbers of pixels"):
        Mask(pixels=PIXELS, shift_px=shift)


def test_a_name_of_dicom_is_the_intensity_that_it_means():
    """A plain string is equal to the member and yet not it: a LIN run was not subtracted as one."""
    assert Frame(pixels=PIXELS, intensity="LIN").intensity is sdk.Intensity.LIN


def test_numbers_of_numpy_are_taken():
    frame = Frame(
        pixels=PIXELS,
        index=np.int64(3),
        bits_stored=np.uint8(12),
        pixel_spacing_mm=np.array([0.2, 0.3]),
        irradiated=np.ones((3, 4), bool),
    )
    assert (frame.index, frame.bits_stored, frame.pixel_spacing_mm) == (3, 12, (0.2, 0.3))


def test_user_data_is_carried_untouched():
    token = object()
    assert sdk.Frame(pixels=PIXELS, user=token).user is token


def test_flags_of_the_shutter_are_bytes_over_the_same_memory():
    """Kernels on a CUDA device take no bool there."""
    flags = np.zeros((4, 6), bool)
    frame = Frame(pixels=np.zeros((4, 6), np.uint16), irradiated=flags)
    assert frame.irradiated.dtype == np.uint8
    flags[1, 2] = True
    assert frame.irradiated[1, 2] == 1


@pytest.mark.parametrize("time_ms", [np.float32(3.5), np.int64(7), Fraction(1, 2)])
def test_times_are_numbers_of_python(time_ms):
    frame = Frame(pixels=np.zeros((4, 6), np.uint16), time_ms=time_ms)
    assert type(frame.time_ms) is float
    assert frame.time_ms == float(time_ms)
