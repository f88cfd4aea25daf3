"""What is derived from a file belongs to its study, in a series of its own."""

import pytest
from pydicom.dataset import Dataset
from xa_files import edited, xa_file

import sdk
from sdk.dicom.derived import add_series, check_identity, of_the_source
from sdk.dicom.header import read_header


@pytest.mark.parametrize(
    ("of_source", "segmentation", "report"), [(3, 301, 302), (2**31 - 1, 1, 2)]
)
def test_a_segmentation_and_a_report_have_series_of_their_own(
    tmp_path, of_source, segmentation, report
):
    path = xa_file(tmp_path)
    with edited(path) as run:
        run.SeriesNumber = of_source
    header, made = read_header(path), {}
    for modality in ("SEG", "SR"):
        made[modality] = Dataset()
        add_series(made[modality], header, modality, "d" * 65)
    assert (made["SEG"].SeriesNumber, made["SR"].SeriesNumber) == (segmentation, report)
    assert made["SEG"].SeriesInstanceUID != made["SR"].SeriesInstanceUID
    assert len(made["SR"].SeriesDescription) == 64


def test_patient_and_study_are_taken_over_and_nothing_else(tmp_path):
    path = xa_file(tmp_path)
    with edited(path) as run:
        run.StudyDescription, run.PatientSex = "Head", None
        run.InstitutionName = "Hospital"
    dataset = of_the_source(read_header(path))
    assert (dataset.StudyDescription, dataset.PatientSex) == ("Head", "")
    assert "InstitutionName" not in dataset


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_what_cannot_be_referred_to_is_refused(tmp_path, keyword):
    path = xa_file(tmp_path)
    with edited(path) as run:
        delattr(run, keyword)
    with pytest.raises(sdk.DicomError, match="is missing; nothing can refer to such a file"):
        check_identity(read_header(path))
