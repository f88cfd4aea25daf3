"""Calibration caches of TensorRT go in and out without losing a bit."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.errors import CalibrationError
from calibration.ranges import Range
from calibration.tensorrt_cache import read_cache, write_cache

NAMES = ("image", "/stem/conv:0", "a b", "::", "x: 3c010a14")


def range_of(limit):
    return Range(limit=limit, low=-limit, high=limit, method="minmax", clipped=0.0)


def test_reads_the_text_that_tensorrt_writes():
    text = "TRT-8601-EntropyCalibration2\nimage: 3c010a14\nmodel/conv:0: 3d000000\n"
    assert read_cache(text) == {
        "image": pytest.approx(1.0, rel=1e-3),
        "model/conv:0": 127 / 32,
    }


@settings(deadline=None)
@given(st.lists(st.floats(2**-10, 2**20, width=32), min_size=1, max_size=len(NAMES)))
def test_what_is_written_is_read(values):
    limits = dict(zip(NAMES, values, strict=False))
    found = read_cache(write_cache({name: range_of(limit) for name, limit in limits.items()}))
    assert found.keys() == limits.keys()
    for name, limit in limits.items():
        assert np.isclose(found[name], limit, rtol=1e-6)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
def test_a_useless_scale_is_refused(scale):
    text = f"TRT-8601-MinMaxCalibration\nfine: 3c010a14\nbad:1: {struct.pack('>f', scale).hex()}\n"
    with pytest.raises(CalibrationError, match=r"line 3 .* gives bad:1 the scale"):
        read_cache(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "begins with TRT-"),
        ("x: 3c010a14\n", "begins with TRT-"),
        ("TRT-8601-MinMaxCalibration\nx 3c010a14\n", "line 2"),
        ("TRT-8601-MinMaxCalibration\nx: 3c01\n", "line 2"),
        ("TRT-8601-MinMaxCalibration\nx: 3c010a14\nx: 3c010a14\n", "line 3 .* repeats x"),
    ],
)
def test_other_text_is_refused(text, reason):
    with pytest.raises(CalibrationError, match=reason):
        read_cache(text)
