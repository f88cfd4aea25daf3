"""Frame times follow the pointer, the vector, and only then a rate."""

import pytest
from xa_files import described, edited, item, xa_file

from sdk.dicom import read_xa
from sdk.errors import DicomError


def timed(path, **elements):
    with edited(path) as dataset:
        for keyword in ("FrameTime", "FrameTimeVector", "FrameIncrementPointer"):
            if keyword in dataset:
                delattr(dataset, keyword)
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
    return read_xa(path)


@pytest.mark.parametrize(
    ("elements", "times", "origin"),
    [
        ({"FrameTime": 40}, (0, 40, 80, 120), "FrameTime"),
        ({"FrameTimeVector": [0, 250, 500, 100]}, (0, 250, 750, 850), "FrameTimeVector"),
        (
            {"FrameTimeVector": [0, 1, 2, 3], "FrameTime": 9, "FrameIncrementPointer": 0x00181063},
            (0, 9, 18, 27),
            "FrameTime",
        ),
        ({"FrameTime": 9, "FrameIncrementPointer": 0x00181065}, (0, 9, 18, 27), "FrameTime"),
        ({"FrameTimeVector": [33, 0, 0, 0], "CineRate": 25}, (0, 40, 80, 120), "CineRate"),
        ({"FrameTimeVector": [-33, 33, 33, 33]}, (0, 33, 66, 99), "FrameTimeVector"),
        ({"FrameTime": 0, "CineRate": 25}, (0, 40, 80, 120), "CineRate"),
        ({"RecommendedDisplayFrameRate": 4}, (0, 250, 500, 750), "RecommendedDisplayFrameRate"),
        ({}, None, ""),
    ],
)
def test_times_and_where_they_come_from(tmp_path, elements, times, origin):
    run = timed(xa_file(tmp_path), **elements)
    assert run.time_origin == origin
    assert run.frame_times_ms == (pytest.approx(times) if times else None)


@pytest.mark.parametrize(
    ("stamps", "times"),
    [
        (["202601011234", "202601011235", "202601011236", "202601011236"], (0, 6e4, 12e4, 12e4)),
        (["20260101123400"] * 3 + ["20260101123400.25"], (0, 0, 0, 250)),
        (
            ["20261231235959", "20261231235960", "20270101000000", "20270101000001"],
            (0, 1000, 1000, 2000),  # a leap second is where the next minute begins
        ),
        (["20260101123400+0100"] * 3 + ["20260101113401+0000"], (0, 0, 0, 1000)),
        (["20260101"] * 4, None),
        (["2026010112"] * 4, None),
    ],
)
def test_date_times_may_leave_out_what_comes_last(tmp_path, stamps, times):
    """PS3.5 6.2: down to the year; what leaves out the minute says nothing about frames."""
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        described(dataset, *(item(FrameReferenceDateTime=stamp) for stamp in stamps))
    run = timed(path)
    assert run.frame_times_ms == (pytest.approx(times) if times else None)


def test_a_rate_may_change_inside_a_run(tmp_path):
    times = (0.0, 250.0, 500.0, 1000.0)
    run = read_xa(xa_file(tmp_path, frame_times_ms=times))
    assert [frame.time_ms for frame in run] == list(times)
    assert run.frame_rate_hz == 3


def test_an_unknown_rate_is_none(tmp_path):
    run = timed(xa_file(tmp_path))
    assert run.frame_rate_hz is None
    assert run[2].time_ms is None


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"FrameTimeVector": [0, 1, 2]}, r"\(0018,1065\) has 3 values for 4 frames"),
        ({"FrameTimeVector": [0, 5, -1, 5]}, "must not be negative, got -1"),
        ({"FrameTime": -33}, r"Frame Time \(0018,1063\) must not be negative"),
    ],
)
def test_refuses_impossible_times(tmp_path, elements, message):
    with pytest.raises(DicomError, match=message):
        timed(xa_file(tmp_path), **elements)
