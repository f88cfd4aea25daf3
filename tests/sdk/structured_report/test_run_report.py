"""The report of a run has few groups, points at frames, and leaves no frame unsaid."""

import dataclasses

import folders
import numpy as np
import pydicom
import pytest
import reports
from xa_files import edited, xa_file

import sdk
from sdk.structured_report import RunReport
from sdk.structured_report.run_report import MOST_NOTES

SIDE = 64


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = folders.quality_folder(tmp_path_factory.mktemp("model"))
    with sdk.Session(folder.path) as opened:
        yield opened


@pytest.fixture(scope="module")
def arteries(tmp_path_factory):
    folder = folders.artery_folder(tmp_path_factory.mktemp("arteries"))
    with sdk.Session(folder.path) as opened:
        yield opened


def opened(tmp_path, frames, **elements):
    path = xa_file(tmp_path, np.stack(frames), bits_stored=12)
    with edited(path) as run:
        for keyword, value in elements.items():
            setattr(run, keyword, value)
    return sdk.read_xa(path)


def squares(*rows):
    """Frames with a dark bar of so many rows; black ones of 0 rows cannot be answered."""
    frames = []
    for count in rows:
        frame = np.full((SIDE, SIDE), 3000 if count else 0, np.uint16)
        frame[:count, :SIDE // 2] = 40  # fmt: skip
        frames.append(frame)
    return frames


def answer(grade, area_px, area_mm2=None):
    vessels = sdk.Vessels(
        mask=np.zeros((SIDE, SIDE), np.uint8), area_px=area_px, area_mm2=area_mm2, count=1
    )
    return sdk.QualityAnswer(grade=grade, probabilities=(0.0, 0.0, 1.0), vessels=vessels)


def outcome(frame, given, **changes):
    status = sdk.Status.DELIVERED if given else sdk.Status.FAILED
    told = sdk.Outcome(frame=frame, status=status, answer=given, stages_ms={}, backend="none")
    return dataclasses.replace(told, **changes)


def written(tmp_path, report):
    report.write(tmp_path / "report.dcm")
    return tmp_path / "report.dcm"


def test_frames_of_a_grade_share_a_group_best_first(session, tmp_path):
    run = opened(tmp_path, squares(*[8] * 5))
    report = RunReport(session, run)
    grades = (sdk.Grade.POOR, sdk.Grade.GOOD, sdk.Grade.ACCEPTABLE, sdk.Grade.GOOD, sdk.Grade.POOR)
    for frame, grade in zip(run, grades, strict=True):
        report.add(outcome(frame, answer(grade, 100 + frame.index)))
    good, acceptable, poor = reports.groups_of(written(tmp_path, report))
    qualities = [
        reports.code_of(reports.item_of(group, "Image Quality"))
        for group in (good, acceptable, poor)
    ]
    assert qualities == [("RID12", "RADLEX"), ("RID13", "RADLEX"), ("RID14", "RADLEX")]
    assert [reports.frames_of(group) for group in (good, acceptable, poor)] == [[2, 4], [3], [1, 5]]
    assert reports.numbers_of(good) == {
        ("Number of Frames", ""): (2, "1"),
        ("Area", "Mean"): (102, "{pixels}"),
        ("Area", "Maximum"): (103, "{pixels}"),
    }
    largest = [item for item in reports.items_of(good, "Area") if len(item.ContentSequence) > 1]
    assert reports.frames_of(largest[0]) == [4]
    assert reports.numbers_of(acceptable)["Area", ""] == (102, "{pixels}")


def test_masks_without_a_grade_are_one_group(session, tmp_path):
    run = opened(tmp_path, squares(8, 8))
    report = RunReport(session, run)
    for frame in run:
        report.add(outcome(frame, answer(sdk.Grade.GOOD, 7).vessels))
    (group,) = reports.groups_of(written(tmp_path, report))
    assert reports.label_of(group) == "Vessels"
    assert reports.item_of(group, "Image Quality") is None
    assert reports.numbers_of(group)["Area", "Mean"] == (7, "{pixels}")


def test_hundreds_of_frames_make_no_more_groups(session, tmp_path):
    run = opened(tmp_path, squares(*[8] * 300))
    report = RunReport(session, run)
    frame = run[0]
    for index in range(300):
        moved = dataclasses.replace(frame, index=index)
        report.add(outcome(moved, answer(sdk.Grade(index % 3), index)))
    groups = reports.groups_of(written(tmp_path, report))
    assert [len(reports.frames_of(group)) for group in groups] == [100] * 3
    assert max(map(len, map(reports.label_of, groups))) < 64


@pytest.mark.parametrize(
    ("elements", "unit", "said"),
    [
        ({}, "{pixels}", r"Areas are in pixels: no pixel spacing holds in the patient (unknown)."),
        (
            {"ImagerPixelSpacing": [0.5, 0.5]},
            "{pixels}",
            "Areas are in pixels: no pixel spacing holds in the patient (ImagerPixelSpacing).",
        ),
        (
            {"ImagerPixelSpacing": [0.5, 0.5], "PixelSpacing": [0.2, 0.2]},
            "mm2",
            "Areas are in mm2, by the pixel spacing from PixelSpacing.",
        ),
    ],
)
def test_areas_are_in_mm2_only_where_the_spacing_holds_in_the_patient(
    session, tmp_path, elements, unit, said
):
    run = opened(tmp_path, squares(16), **elements)
    report = RunReport(session, run)
    for told in session.stream(run):
        report.add(told)
    path = written(tmp_path, report)
    area, of = reports.numbers_of(reports.groups_of(path)[0])["Area", ""]
    expected = told.answer.vessels.area_mm2 if unit == "mm2" else told.answer.vessels.area_px
    assert (area, of) == (pytest.approx(expected, abs=0.01), unit)
    assert area > 0
    assert said in reports.comments_of(path)


def test_frames_without_an_answer_are_named_and_the_report_is_partial(session, tmp_path):
    run = opened(tmp_path, squares(8, 0, 8, 8, 8, 8))
    report = RunReport(session, run)
    for told in session.stream([run[0], run[1], run[2]]):
        report.add(told)
    report.add(outcome(run[3], None))
    assert len(report) == 2
    path = written(tmp_path, report)
    dataset = pydicom.dcmread(path)
    assert dataset.CompletionFlag == "PARTIAL"
    assert dataset.CompletionFlagDescription == "4 of 6 frames have no answer"
    comments = reports.comments_of(path)
    assert "Frames without an answer, rejected: 2." in comments
    assert "Frames without an answer, failed: 4." in comments
    assert "Frames without an answer, not answered: 5-6." in comments


def test_notes_of_outcomes_are_repeated_once_with_their_frames(session, tmp_path):
    run = opened(tmp_path, squares(*[8] * 30))
    report = RunReport(session, run)
    for frame in run:
        notes = ("odd", f"note {frame.index}") if frame.index else ("odd",)
        report.add(outcome(frame, answer(sdk.Grade.GOOD, 1), notes=notes))
    comments = reports.comments_of(written(tmp_path, report))
    assert "Frames 1-30: odd." in comments
    assert "Frames 2: note 1." in comments
    assert f"{30 - MOST_NOTES} more notes are left out." in comments


def test_arteries_of_a_run_are_one_group_with_their_arrival(arteries, tmp_path):
    frames = np.random.default_rng(3).normal(2000, 20, (4, SIDE, SIDE)).astype(np.uint16)
    frames[1:, :, 8:24] -= 800
    frames[2:, :, 24:40] -= 800
    run = opened(tmp_path, frames, FrameTime=250)
    report = RunReport(arteries, run)
    for told in arteries.stream(run):
        report.add(told)
    path = written(tmp_path, report)
    (group,) = reports.groups_of(path)
    assert any(comment.endswith(", by FrameTime.") for comment in reports.comments_of(path))
    assert reports.label_of(group) == "Arteries, frames 1 to 4"
    assert reports.code_of(reports.item_of(group, "Finding")) == ("51114001", "SCT")
    assert reports.frames_of(group) == [1, 2, 3, 4]
    found = reports.numbers_of(group)
    assert found["Area", ""] == (told.answer.vessels.area_px, "{pixels}")
    assert found["Bolus Arrival Time", "Minimum"] == (250, "ms")
    assert found["Bolus Arrival Time", "Median"][0] in {250, 375, 500}


def test_arrival_is_not_made_up_where_the_file_has_no_times(arteries, tmp_path):
    frames = np.random.default_rng(3).normal(2000, 20, (2, SIDE, SIDE)).astype(np.uint16)
    frames[1, :, 8:24] -= 800
    run = opened(tmp_path, frames, FrameTime=None, FrameTimeVector=None)
    report = RunReport(arteries, run)
    for told in arteries.stream(run):
        report.add(told)
    path = written(tmp_path, report)
    (group,) = reports.groups_of(path)
    assert any("there is no arrival time" in comment for comment in reports.comments_of(path))
    assert set(reports.numbers_of(group)) == {("Number of Frames", ""), ("Area", "")}


def test_a_run_that_begins_anew_has_a_second_group(arteries, tmp_path):
    frames = np.random.default_rng(3).normal(2000, 20, (3, SIDE, SIDE)).astype(np.uint16)
    run = opened(tmp_path, frames)
    report = RunReport(arteries, run)
    for frame in run:
        if frame.index < 2:
            arteries.reset()
        report.add(arteries(frame))
    groups = reports.groups_of(written(tmp_path, report))
    assert [reports.frames_of(group) for group in groups] == [[1], [2, 3]]


@pytest.mark.parametrize(("index", "side"), [(1, SIDE), (4, SIDE), (2, SIDE // 2)])
def test_what_is_no_frame_of_the_run_is_refused(session, tmp_path, index, side):
    run = opened(tmp_path, squares(*[8] * 4))
    report = RunReport(session, run)
    report.add(outcome(run[1], answer(sdk.Grade.GOOD, 1)))
    stranger = sdk.Frame(pixels=np.zeros((side, side), np.uint16), index=index)
    with pytest.raises(sdk.DicomError, match=r"frames 2\.\.3 of .*run\.dcm, in order"):
        report.add(outcome(stranger, answer(sdk.Grade.GOOD, 1)))


def test_without_an_answer_there_is_no_report(session, tmp_path):
    run = opened(tmp_path, squares(8))
    report = RunReport(session, run)
    report.add(outcome(run[0], None))
    with pytest.raises(sdk.DicomError, match=r"there is no answer on .* to report"):
        report.write(tmp_path / "report.dcm")
    assert not (tmp_path / "report.dcm").exists()


def test_a_file_that_nothing_can_refer_to_is_refused(session, tmp_path):
    run = opened(tmp_path, squares(8), SeriesInstanceUID="")
    with pytest.raises(sdk.DicomError, match=r"Series Instance UID .* is missing"):
        RunReport(session, run)


@pytest.mark.parametrize("name", ["xa/xa_coronary_rca_96f_jpegbaseline.dcm", "xa/XA1_JPLL.dcm"])
def test_reports_of_real_angiograms_pass_validators(session, tmp_path, shared_data, name):
    run = sdk.read_xa(shared_data(name))
    report = RunReport(session, run)
    for told in session.stream(run):
        report.add(told)
    assert len(report) == len(run)
    reports.validated(written(tmp_path, report))
