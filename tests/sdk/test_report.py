"""Outcomes become plain records without their images."""

import json
from dataclasses import replace

import folders
import pytest

import sdk
from sdk.report import grade_of, outcome_record, vessels_of, write_outcomes
from sdk.timing import LatencyRecord


@pytest.fixture
def outcomes(tmp_path):
    folder = folders.quality_folder(tmp_path / "model")
    frame = sdk.Frame(pixels=folders.dark_square(), time_ms=12.5, pixel_spacing_mm=(0.5, 0.5))
    blank = sdk.Frame(pixels=folders.dark_square() * 0 + 9, index=1)
    with sdk.Session(folder.path) as session:
        found = list(session.stream([frame, blank]))
        write_outcomes(tmp_path / "outcomes.json", found, session.latency)
    return found


def test_a_record_names_frame_answer_and_backend(outcomes):
    record = outcome_record(outcomes[0])
    assert record["status"] == "delivered"
    assert record["time_ms"] == 12.5
    assert record["answer"]["grade"] in {"good", "acceptable", "poor"}
    assert record["answer"]["vessels"]["area_mm2"] == pytest.approx(1024 * 0.25)
    assert "mask" not in record["answer"]["vessels"]
    assert record["backend"] == "onnxruntime-cpu"


def test_a_frame_without_answer_keeps_its_reason(outcomes):
    record = outcome_record(outcomes[1])
    assert record["answer"] is None
    assert "nothing in it" in record["reason"]


def test_the_file_holds_every_frame_and_the_latency(outcomes, tmp_path):
    content = json.loads((tmp_path / "outcomes.json").read_text())
    assert [frame["index"] for frame in content["frames"]] == [0, 1]
    assert content["latency_ms"]["inference"]["frames"] == 1  # the other was rejected
    assert len(outcomes) == 2


def test_what_was_answered_before_an_error_is_kept(outcomes, tmp_path):
    def broken():
        yield outcomes[0]
        raise OSError("the disk is gone")

    path = tmp_path / "broken.json"
    with pytest.raises(OSError, match="the disk is gone"):
        write_outcomes(path, broken(), LatencyRecord())
    content = json.loads(path.read_text())
    assert [frame["index"] for frame in content["frames"]] == [0]
    assert content["stopped"] == "the disk is gone"


def test_a_frame_that_was_not_read_is_a_rejected_one_in_its_place(outcomes, tmp_path):
    path = tmp_path / "unread.json"
    last = replace(outcomes[1], frame=replace(outcomes[1].frame, index=2))
    write_outcomes(path, [outcomes[0], last], LatencyRecord(), {1: "it is damaged"})
    frames = json.loads(path.read_text())["frames"]
    assert [frame["index"] for frame in frames] == [0, 1, 2]
    assert (frames[1]["status"], frames[1]["reason"]) == ("rejected", "it is damaged")
    assert frames[1].keys() == frames[0].keys()


def test_vessels_and_grade_are_found_in_any_answer(outcomes):
    answer = outcomes[0].answer
    assert vessels_of(answer) is answer.vessels
    assert vessels_of(answer.vessels) is answer.vessels
    assert vessels_of(None) is None
    assert grade_of(answer) == answer.grade.name.lower()
    assert grade_of(answer.vessels) == ""
