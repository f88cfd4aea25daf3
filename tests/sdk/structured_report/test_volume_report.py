"""The report of a volume gives every bleed its place, and says so where there is none."""

import dataclasses

import mr_files
import numpy as np
import pydicom
import pytest
import reports
import volume_folders

import sdk
from sdk.structured_report import VolumeReport

BLEEDS = (((1, 2, 3), sdk.Region.LOBAR), ((4, 0, 6), sdk.Region.INFRATENTORIAL))


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = volume_folders.microbleed_folder(tmp_path_factory.mktemp("model"))
    with sdk.VolumeSession(folder.path) as opened:
        yield opened


@pytest.fixture
def series(tmp_path):
    """Folders of SWI and phase."""
    mr_files.written(tmp_path / "swi", order=[3, 0, 4, 1, 2])
    mr_files.written(tmp_path / "phase", SeriesInstanceUID="1.2.4")
    return tmp_path / "swi", tmp_path / "phase"


def outcome_on(folder, *bleeds, **changes):
    volume = sdk.read_volume(folder)
    told = sdk.VolumeOutcome(
        volume=volume,
        status=sdk.Status.DELIVERED,
        answer=volume_folders.answer_of(volume, *bleeds),
        notes=("phase was flipped",),
        stages_ms={},
        backend="none",
    )
    return dataclasses.replace(told, **changes)


def written(session, series, outcome):
    path = series[0].parent / "report.dcm"
    VolumeReport(session, *series).write(path, outcome)
    return path


def test_every_bleed_has_its_place_size_and_score(session, series):
    path = written(session, series, outcome_on(series[0], *BLEEDS))
    summary, first, second = reports.groups_of(path)
    assert reports.numbers_of(summary) == {("Number of lesions", ""): (2, "1")}
    assert reports.label_of(first) == "Microbleed 1"
    assert reports.code_of(reports.item_of(first, "Finding")) == ("723857007", "SCT")
    assert reports.numbers_of(first) == {
        ("Diameter", ""): (4.0, "mm"),
        ("Certainty of Finding", ""): (90.0, "%"),
    }
    place = reports.item_of(first, "Image Region")
    expected = sdk.read_volume(series[0]).to_patient_mm((1, 2, 3))
    np.testing.assert_allclose(place.GraphicData, expected)
    assert (place.GraphicType, place.ReferencedFrameOfReferenceUID) == ("POINT", "1.2.2")
    regions = [
        reports.code_of(reports.item_of(group, "Topographical modifier"))
        for group in (first, second)
    ]
    assert regions == [("LOBAR", "99ANGIOEDGE"), ("INFRATENTORIAL", "99ANGIOEDGE")]


def test_every_bleed_names_the_slice_it_lies_nearest_to(session, series):
    path = written(session, series, outcome_on(series[0], *BLEEDS))
    for group, name in zip(reports.groups_of(path)[1:], ("3.dcm", "2.dcm"), strict=True):
        source = reports.item_of(group, "Source of Measurement").ReferencedSOPSequence[0]
        expected = pydicom.dcmread(series[0] / name).SOPInstanceUID
        assert source.ReferencedSOPInstanceUID == expected


def test_no_bleed_is_said(session, series):
    path = written(session, series, outcome_on(series[0]))
    (summary,) = reports.groups_of(path)
    assert reports.numbers_of(summary) == {("Number of lesions", ""): (0, "1")}
    said = reports.item_of(summary, "CAD Processing and Findings Summary")
    assert said.ConceptCodeSequence[0].CodeMeaning == "All algorithms succeeded; without findings"
    meanings = [item.ConceptCodeSequence[0].CodeMeaning for item in summary.ContentSequence[2:3]]
    assert meanings == ["Brain"]
    reports.validated(path)


def test_both_series_are_evidence_and_notes_are_repeated(session, series):
    path = written(session, series, outcome_on(series[0], *BLEEDS))
    dataset = pydicom.dcmread(path)
    (study,) = dataset.CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == "1.2.1"
    counts = {
        one.SeriesInstanceUID: len(one.ReferencedSOPSequence)
        for one in study.ReferencedSeriesSequence
    }
    assert counts == {"1.2.3": 5, "1.2.4": 5}
    assert "phase was flipped" in reports.comments_of(path)


def test_validators_of_dicom_find_nothing(session, series):
    reports.validated(written(session, series, outcome_on(series[0], *BLEEDS)))


def test_a_bleed_in_no_region_has_none(session, series):
    outcome = outcome_on(series[0], ((1, 2, 3), sdk.Region.NONE))
    *_, bleed = reports.groups_of(written(session, series, outcome))
    assert reports.code_of(reports.item_of(bleed, "Finding Site")) == ("12738006", "SCT")
    assert reports.item_of(bleed, "Topographical modifier") is None


def test_an_answer_on_another_volume_is_refused(session, series, tmp_path):
    mr_files.written(tmp_path / "other", ImagePositionPatient=None)
    for index in range(5):
        image = mr_files.slice_of(mr_files.VOXELS[index], index)
        image.ImagePositionPatient = [-10, -20, 31 + mr_files.STEP_MM * index]
        image.save_as(tmp_path / "other" / f"{index}.dcm", enforce_file_format=True)
    with pytest.raises(sdk.DicomError, match=r"does not lie on .*swi; report it with the series"):
        written(session, series, outcome_on(tmp_path / "other", *BLEEDS))


def test_a_volume_without_an_answer_has_no_report(session, series, tmp_path):
    changes = {"status": sdk.Status.REJECTED, "answer": None, "reason": "no brain was found"}
    with pytest.raises(sdk.VolumeError, match="no brain was found"):
        written(session, series, outcome_on(series[0], **changes))
    assert not (tmp_path / "report.dcm").exists()


def test_phase_of_another_study_is_refused(session, series):
    for file in series[1].iterdir():
        file.unlink()
    mr_files.written(series[1], StudyInstanceUID="1.2.9")
    with pytest.raises(sdk.DicomError, match="give images of one study"):
        VolumeReport(session, *series)


def test_images_without_a_patient_are_refused(session, series, tmp_path):
    (tmp_path / "phase.nii.gz").write_bytes(b"no DICOM")
    with pytest.raises(sdk.DicomError, match=r"phase\.nii\.gz is no DICOM image"):
        VolumeReport(session, series[0], tmp_path / "phase.nii.gz")


def test_slices_in_no_frame_of_reference_are_refused(session, series):
    for file in series[0].iterdir():
        file.unlink()
    mr_files.written(series[0], FrameOfReferenceUID="")
    with pytest.raises(sdk.DicomError, match=r"Frame of Reference UID .* is missing"):
        VolumeReport(session, *series)
