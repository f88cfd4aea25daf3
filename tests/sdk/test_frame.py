"""A frame takes pixels as they are and refuses what does not fit together."""

import array

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
        ({"bits_stored": 17}, "bits_stored must be 1..16"),
        ({"pixel_spacing_mm": (0.0, 1.0)}, "two positive lengths"),
        ({"mask": Mask(pixels=PIXELS[:2])}, "mask must have the shape"),
        ({"irradiated": np.ones((4, 4), np.uint8)}, "irradiated must have the shape"),
    ],
)
def test_refuses_and_says_why(changes, message):
    with pytest.raises(FrameError, match=message):
        Frame(**({"pixels": PIXELS} | changes))


def test_user_data_is_carried_untouched():
    token = object()
    assert sdk.Frame(pixels=PIXELS, user=token).user is token
