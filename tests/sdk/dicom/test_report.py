"""A structured report follows TID 1500, and says whose it is and how far it can be relied on."""

import dataclasses
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import numpy as np
import pydicom
import pytest
import reports
from highdicom import sr
from xa_files import edited, xa_file

import sdk
from sdk.dicom import codes
from sdk.dicom.report import write_report
from sdk.dicom.report_content import Algorithm, Group, Measured, ReportContent
from sdk.dicom.source import SourceRun

DIAMETER = Measured(name=codes.DIAMETER, value=2.5, unit=codes.MILLIMETRE)


def source(tmp_path, **elements):
    path = xa_file(tmp_path, np.zeros((6, 5, 6), np.uint8))
    with edited(path) as run:
        for keyword, value in elements.items():
            setattr(run, keyword, value)
    return SourceRun(path)


def content(run, *groups, **changes):
    largest = Measured(
        name=codes.AREA,
        value=12,
        unit=codes.PIXELS,
        derivation=codes.MAXIMUM,
        image=run.refer([4]),
    )
    of_frames = Group(
        label="Vessels",
        finding=codes.BLOOD_VESSEL,
        images=(run.refer([0, 4]),),
        measured=(largest,),
        evaluated=((codes.IMAGE_QUALITY, codes.DIAGNOSTIC),),
    )
    kept = ReportContent(
        description="AngioEdge network",
        procedure=codes.ANGIOGRAPHY,
        algorithm=Algorithm(name="network", version="1", parameters=("fp32",)),
        groups=groups or (of_frames,),
        remarks=("not for\nclinical use",),
    )
    return dataclasses.replace(kept, **changes)


def bleed(**changes):
    group = Group(
        label="Microbleed 1",
        finding=codes.MICROBLEED,
        site=codes.BRAIN,
        region=codes.DEEP,
        place_mm=(1.5, -2.0, 30.25),
        measured=(DIAMETER,),
    )
    return dataclasses.replace(group, **changes)


def written(tmp_path, run, said):
    path = tmp_path / "report.dcm"
    write_report(path, [run.header], said)
    return path


def test_another_program_reads_what_was_measured_on_which_frames(tmp_path):
    run = source(tmp_path)
    report = sr.srread(written(tmp_path, run, content(run)))
    assert isinstance(report, sr.ComprehensiveSR)
    (group,) = report.content.get_image_measurement_groups()
    assert group.tracking_identifier == "Vessels"
    assert group.finding_type.meaning == "Blood Vessel"
    (area,) = group.get_measurements()
    assert (area.value, area.unit.value, area.derivation.meaning) == (12, "{pixels}", "Maximum")
    assert area.referenced_images[0].referenced_frame_numbers == [5]
    assert group.source_images[0].referenced_frame_numbers == [1, 5]
    *_, quality = group.get_qualitative_evaluations()
    assert (quality.name.meaning, quality.value.value) == ("Image Quality", "RID12")
    uid = pydicom.dcmread(run.header.path).SOPInstanceUID
    assert group.source_images[0].referenced_sop_instance_uid == uid
    assert [evidence[2] for evidence in report.get_evidence()] == [uid]


def test_another_program_reads_points_in_space(tmp_path):
    run = source(tmp_path)
    said = content(run, bleed(), bleed(label="Microbleed 2"), frame_of_reference="1.2.2")
    report = sr.srread(written(tmp_path, run, said))
    assert isinstance(report, sr.Comprehensive3DSR)
    one, other = report.content.get_planar_roi_measurement_groups()
    assert one.roi.graphic_type.value == "POINT"
    np.testing.assert_array_equal(one.roi.value, [[1.5, -2.0, 30.25]])
    assert one.roi.frame_of_reference_uid == "1.2.2"
    assert one.tracking_uid != other.tracking_uid
    (site,) = one.finding_sites
    assert (site.value.meaning, site.topographical_modifier.value) == ("Brain", "DEEP")
    (diameter,) = one.get_measurements()
    assert (diameter.value, diameter.unit.value) == (2.5, "mm")


def test_it_says_what_measured_and_that_nobody_looked(tmp_path):
    run = source(tmp_path)
    path = written(tmp_path, run, content(run))
    dataset = pydicom.dcmread(path)
    flags = dataset.CompletionFlag, dataset.VerificationFlag, dataset.PreliminaryFlag
    assert flags == ("COMPLETE", "UNVERIFIED", "PRELIMINARY")
    assert reports.comments_of(path) == ["not for clinical use"]
    told = {
        name: reports.item_of(dataset, name).TextValue
        for name in ("Algorithm Name", "Algorithm Version", "Algorithm Parameters")
    }
    assert list(told.values()) == ["network", "1", "fp32"]
    observer = reports.item_of(dataset, "Device Observer Name").TextValue
    assert observer == f"AngioEdge {dataset.SoftwareVersions}"


def test_what_is_missing_makes_it_partial(tmp_path):
    run = source(tmp_path)
    dataset = pydicom.dcmread(written(tmp_path, run, content(run, missing="2 of 6 frames")))
    assert dataset.CompletionFlag == "PARTIAL"
    assert dataset.CompletionFlagDescription == "2 of 6 frames"


def test_patient_and_study_are_those_of_the_source(tmp_path):
    run = source(tmp_path)
    dataset, of_source = (
        pydicom.dcmread(path) for path in (written(tmp_path, run, content(run)), run.header.path)
    )
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "StudyDate", "AccessionNumber"):
        assert dataset[keyword].value == of_source[keyword].value
    assert dataset.SeriesInstanceUID != of_source.SeriesInstanceUID


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "M\u00fcller^J\u00f6rg"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"),
    ],
)
def test_names_in_other_letters_stay_what_they_are(tmp_path, character_set, name):
    run = source(tmp_path, SpecificCharacterSet=character_set, PatientName=name)
    dataset = pydicom.dcmread(written(tmp_path, run, content(run, remarks=("\u2265 2 mm",))))
    assert str(dataset.PatientName) == name
    assert reports.item_of(dataset, "Comment").TextValue == "\u2265 2 mm"


def test_a_header_with_odd_values_is_taken_over_as_it_is(tmp_path):
    odd = {"PatientSex": "X", "StudyDate": "", "PatientName": "Demo Patient"}
    run = source(tmp_path, **odd)
    dataset = pydicom.dcmread(written(tmp_path, run, content(run)))
    assert {keyword: str(dataset[keyword].value) for keyword in odd} == odd


def test_times_are_in_the_zone_of_the_source(tmp_path):
    run = source(tmp_path, TimezoneOffsetFromUTC="+1300")
    dataset = pydicom.dcmread(written(tmp_path, run, content(run)))
    for date, time in (
        (dataset.ContentDate, dataset.ContentTime),
        (dataset.InstanceCreationDate, dataset.InstanceCreationTime),
    ):
        told = datetime.strptime(f"{date}{time}+1300", "%Y%m%d%H%M%S%z")
        assert abs(datetime.now(tz=timezone.utc) - told) < timedelta(minutes=5)


def test_regions_of_our_own_name_their_scheme(tmp_path):
    run = source(tmp_path)
    path = written(tmp_path, run, content(run, bleed(), frame_of_reference="1.2.2"))
    (scheme,) = pydicom.dcmread(path).CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == codes.PRIVATE
    plain = pydicom.dcmread(written(tmp_path, run, content(run)))
    assert "CodingSchemeIdentificationSequence" not in plain


@pytest.mark.parametrize("places", [True, False])
def test_validators_of_dicom_find_nothing(tmp_path, places):
    run = source(tmp_path)
    groups = (bleed(), bleed(region=None)) if places else ()
    frame = "1.2.2" if places else ""
    reports.validated(written(tmp_path, run, content(run, *groups, frame_of_reference=frame)))


def test_a_report_that_cannot_be_written_is_an_error(tmp_path):
    run = source(tmp_path)
    with pytest.raises(sdk.DicomError, match="the structured report could not be written"):
        write_report(tmp_path / "nowhere" / "report.dcm", [run.header], content(run))


def test_without_highdicom_it_says_what_to_install():
    code = "import sys; sys.modules['highdicom'] = None; import sdk.structured_report"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert "DicomError: structured reports need highdicom" in done.stderr
    assert "pip install 'angioedge[reports]'" in done.stderr
