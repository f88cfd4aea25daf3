"""The latency record tells the truth about a window and never grows."""

import time

import numpy as np
import pytest

from sdk.timing import CAPACITY, LatencyRecord, Stopwatch


def record_of(values):
    record = LatencyRecord(("inference",))
    for value in values:
        record.add({"inference": value})
    return record


def test_percentiles_equal_numpy():
    values = np.random.default_rng(0).gamma(2.0, 5.0, 500)
    latency = record_of(values).summary()["inference"]
    expected = np.percentile(values, (50, 90, 99))
    np.testing.assert_allclose((latency.p50_ms, latency.p90_ms, latency.p99_ms), expected, 1e-5)
    assert latency.max_ms == values.max()
    assert latency.frames == 500


def test_jitter_is_the_change_between_neighbours():
    assert record_of([1.0, 3.0, 2.0]).summary()["inference"].jitter_ms == pytest.approx(1.5)


def test_forgets_old_frames_but_not_the_worst():
    record = record_of([99.0] + [1.0] * CAPACITY)
    latency = record.summary()["inference"]
    assert latency.p99_ms == pytest.approx(1.0)
    assert latency.max_ms == 99.0
    assert latency.frames == CAPACITY + 1


def test_total_is_the_sum_of_the_stages():
    record = LatencyRecord(("preprocess", "inference"))
    record.add({"preprocess": 1.0, "inference": 2.0})
    record.add({"inference": 5.0})
    assert record.summary()["total"].max_ms == 5.0
    assert record.summary()["total"].p50_ms == pytest.approx(4.0)


def test_is_empty_before_the_first_frame_and_after_reset():
    record = record_of([1.0])
    record.reset()
    assert record.summary() == {}


def test_counts_frames_slower_than_a_limit_by_stage():
    record = LatencyRecord(("preprocess", "inference"))
    for inference in (1.0, 4.0, 6.0):
        record.add({"preprocess": 2.0, "inference": inference})
    assert record.slower_than(5.0) == {"preprocess": 0, "inference": 1, "total": 2}


def test_stopwatch_times_a_stage_that_raises():
    watch = Stopwatch()

    def fail():
        with watch.stage("inference"):
            time.sleep(0.002)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert watch.stages_ms["inference"] >= 2.0


def test_a_stage_that_comes_again_adds_up():
    watch = Stopwatch()
    with watch.stage("detect"):
        time.sleep(0.002)
    first = watch.stages_ms["detect"]
    with watch.stage("detect"):
        time.sleep(0.002)
    assert watch.stages_ms["detect"] >= first + 2.0
