"""Each method keeps what it says it keeps; oracles are loops over values and bins."""

import json
import math

import numpy as np
import pytest

from calibration import ranges
from calibration.histogram import Histogram
from calibration.ranges import METHODS, divergence, dump_ranges, limits_of, share_limits


def histogram_of(values, bins=2048, name="x"):
    values = np.asarray(values, np.float32)
    histogram = Histogram(tensor=name, bins=bins)
    histogram.widen(values, "frame")
    histogram.count(values)
    return histogram


@pytest.fixture
def spread():
    return np.random.default_rng(0).normal(size=20_000)


@pytest.fixture
def outlier(spread):
    return np.append(spread, 60.0)


def test_minmax_keeps_everything(outlier):
    assert ranges.minmax(histogram_of(outlier)) == 60


def test_percentile_is_that_of_the_magnitudes(spread):
    histogram = histogram_of(spread)
    exact = np.percentile(np.abs(spread), 99.99)
    assert ranges.percentile(histogram) == pytest.approx(exact, abs=2 * histogram.largest / 2048)


def quantisation_error(values, limit):
    scale = limit / 127
    restored = np.clip(np.round(values / scale), -127, 127) * scale
    return np.sum((values - restored) ** 2)


def test_mse_is_the_least_error_of_the_values_themselves():
    values = np.append(np.random.default_rng(1).normal(size=200_000), 8.0)
    histogram = histogram_of(values)
    found = quantisation_error(values, ranges.mse(histogram))
    tried = [quantisation_error(values, histogram.largest * part / 40) for part in range(8, 41)]
    assert found <= min(tried) * 1.05
    assert found < quantisation_error(values, histogram.largest) * 0.9


def naive_divergence(counts, kept):
    """KL as in the description of TensorRT's calibration, bin by bin."""
    expected = [float(c) for c in counts[:kept]]
    expected[-1] += float(sum(counts[kept:]))
    got = [0.0] * kept
    for level in range(128):
        members = [i for i in range(kept) if i * 128 // kept == level]
        filled = [i for i in members if counts[i] > 0]
        for i in filled:
            got[i] = sum(float(counts[m]) for m in members) / len(filled)
    total, spread = sum(expected), sum(got)
    pairs = zip(expected, got, strict=True)
    return sum(e / total * math.log((e / total) / max(g / spread, 1e-12)) for e, g in pairs if e)


@pytest.mark.parametrize("kept", [128, 200, 512])
def test_divergence_is_that_of_its_definition(spread, kept):
    counts = histogram_of(spread, 512).counts.astype(float)
    assert divergence(counts, kept) == pytest.approx(naive_divergence(counts, kept), rel=1e-9)


def test_entropy_compares_levels_with_more_bins_than_levels(outlier):
    """With one bin per level every candidate is lossless and nothing is ever clipped."""
    assert ranges.entropy(histogram_of(outlier, 128)) == 60
    assert ranges.entropy(histogram_of(outlier)) < 10


def test_the_zeros_of_a_relu_do_not_decide(outlier):
    positive = outlier[outlier > 0]
    with_zeros = np.append(positive, np.zeros(100_000))
    for method in (ranges.mse, ranges.entropy):
        assert method(histogram_of(with_zeros)) == method(histogram_of(positive))


@pytest.mark.parametrize("method", METHODS)
def test_a_tensor_of_zeros_still_has_a_positive_range(method):
    dead = {"x": histogram_of(np.zeros(50))}
    assert share_limits(limits_of(dead, method), dead, ())["x"].limit > 0


def test_a_group_takes_its_widest_range_and_says_what_it_clips():
    found = {"a": histogram_of([0.0, 1.0], name="a"), "b": histogram_of([-3.0, 2.0], name="b")}
    limits = {"a": ("minmax", 1.0), "b": ("mse", 2.5)}
    shared = share_limits(limits, found, [("a", "b")])
    for item in shared.values():
        assert (item.limit, item.low, item.high, item.method) == (2.5, -3.0, 2.0, "mse")
    assert (shared["a"].clipped, shared["b"].clipped) == (0.0, 0.5)


def test_the_file_names_the_data_and_every_tensor():
    found = {"x": histogram_of([1.0, 2.0])}
    table = share_limits(limits_of(found, "minmax"), found, ())
    content = json.loads(dump_ranges(table, "d", "g"))
    assert (content["data_sha256"], content["graph_sha256"]) == ("d", "g")
    assert content["tensors"]["x"]["limit"] == 2.0
    assert content["tensors"]["x"]["clipped"] == 0.0
