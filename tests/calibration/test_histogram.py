"""Two passes over the values count all of them, however they come."""

import numpy as np
import pytest

from calibration.errors import CalibrationError
from calibration.histogram import CHUNK, Histogram


def filled(*arrays, bins=64):
    histogram = Histogram(tensor="x", bins=bins)
    for array in arrays:
        histogram.widen(array, "frame")
    for array in arrays:
        histogram.count(array)
    return histogram


def test_counts_are_those_of_all_values_at_once():
    random = np.random.default_rng(0)
    parts = [random.normal(size=shape).astype(np.float32) for shape in ((3, CHUNK // 2), (7, 5))]
    histogram = filled(*parts)
    together = np.concatenate([part.reshape(-1) for part in parts])
    expected, edges = np.histogram(np.abs(together), 64, (0, np.abs(together).max()))
    assert (histogram.low, histogram.high) == (together.min(), together.max())
    assert np.allclose(histogram.edges, edges)
    assert np.abs(histogram.counts - expected).max() <= 2  # float32 rounding at the edges
    assert histogram.counts.sum() == together.size


def test_exact_zeros_are_known():
    assert filled(np.array([0.0, -0.0, 1e-9, 4.0], np.float32)).zeros == 2


def test_a_tensor_of_zeros_is_counted():
    histogram = filled(np.zeros(10, np.float32))
    assert histogram.largest == 0
    assert histogram.counts.sum() == 10


def test_clipped_is_the_share_beyond():
    histogram = filled(np.arange(1, 65, dtype=np.float32) - 0.5)
    assert histogram.clipped(histogram.largest) == 0
    assert histogram.clipped(histogram.edges[48]) == 0.25


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_by_name(bad):
    histogram = Histogram(tensor="conv7")
    with pytest.raises(CalibrationError, match="tensor conv7 is NaN or infinite on run 3"):
        histogram.widen(np.array([1.0, bad], np.float32), "run 3")
