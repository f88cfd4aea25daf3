"""A Segmentation holds the masks bit by bit and points at the frames that they were found on."""

import dataclasses
import shutil
import subprocess
from datetime import datetime, timedelta, timezone

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from xa_files import edited, xa_file

import sdk
from sdk.dicom.segmentation import Anatomy, DicomSegmentation, SegmentationInfo

INFO = SegmentationInfo(
    anatomy=Anatomy.ARTERY,
    algorithm="network",
    algorithm_version="1",
    parameters="fp32",
    warning="trained on phantoms, für niemanden",
)


def source(tmp_path, count=6, size=(13, 11)):
    """Sizes whose frames end inside a byte."""
    frames = np.random.default_rng(0).integers(0, 255, (count, *size), np.uint8)
    return xa_file(tmp_path, frames)


def masks(indices, size=(13, 11)):
    rng = np.random.default_rng(1)
    return {index: rng.random(size) < 0.4 for index in indices}


def written(tmp_path, path, found):
    segmentation = DicomSegmentation(path, INFO)
    for index, mask in found.items():
        segmentation.add(index, mask)
    segmentation.write(tmp_path / "segmentation.dcm")
    return pydicom.dcmread(tmp_path / "segmentation.dcm")


def test_masks_come_back_bit_by_bit_with_the_frames_they_are_of(tmp_path):
    path, found = source(tmp_path), masks([0, 2, 3, 5])
    found[3][:] = False
    dataset = written(tmp_path, path, found)
    np.testing.assert_array_equal(dataset.pixel_array, np.stack(list(found.values())))
    run = pydicom.dcmread(path)
    for index, group in zip(found, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        image = group.DerivationImageSequence[0].SourceImageSequence[0]
        assert image.ReferencedSOPInstanceUID == run.SOPInstanceUID
        assert image.ReferencedFrameNumber == index + 1
    assert dataset.StudyInstanceUID == run.StudyInstanceUID
    assert dataset.PatientID == run.PatientID
    assert dataset.SeriesInstanceUID != run.SeriesInstanceUID


def test_it_says_what_found_what(tmp_path):
    dataset = written(tmp_path, source(tmp_path), masks([1]))
    segment = dataset.SegmentSequence[0]
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Artery"
    algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("network", "1")
    assert algorithm.AlgorithmParameters == "fp32"
    assert segment.SegmentDescription == "trained on phantoms, f?r niemanden"


def test_a_file_of_one_frame_is_referred_to_as_a_whole(tmp_path):
    dataset = written(tmp_path, source(tmp_path, count=1), masks([0]))
    group = dataset.PerFrameFunctionalGroupsSequence[0]
    image = group.DerivationImageSequence[0].SourceImageSequence[0]
    assert "ReferencedFrameNumber" not in image


@pytest.mark.parametrize("count", [1, 6])
def test_a_validator_of_dicom_finds_nothing(tmp_path, count):
    if shutil.which("dciodvfy") is None:
        pytest.skip("no dciodvfy here: install dicom3tools")
    written(tmp_path, source(tmp_path, count), masks(range(count)))
    done = subprocess.run(
        ["dciodvfy", str(tmp_path / "segmentation.dcm")],  # noqa: S607
        capture_output=True,
        check=False,
        text=True,
    )
    assert "Error" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("index", "size", "said"),
    [
        (3, (11, 13), r"mask of \(13, 11\) pixels, got uint8 \(11, 13\)"),
        (6, (13, 11), r"frames 3\.\.5 of .*, in order, got 6"),
        (2, (13, 11), r"frames 3\.\.5 of .*, in order, got 2"),
        (3.5, (13, 11), r"frames 3\.\.5 of .*, in order, got 3\.5"),
    ],
)
def test_a_mask_that_fits_no_frame_is_refused(tmp_path, index, size, said):
    segmentation = DicomSegmentation(source(tmp_path), INFO)
    segmentation.add(2, masks([2])[2])
    with pytest.raises(sdk.DicomError, match=said):
        segmentation.add(index, np.zeros(size, np.uint8))


def test_probabilities_are_no_mask(tmp_path):
    with pytest.raises(sdk.DicomError, match="bool or uint8 mask"):
        DicomSegmentation(source(tmp_path), INFO).add(0, np.full((13, 11), 0.1))


@pytest.mark.parametrize(
    "given",
    [
        {"algorithm": ""},
        {"algorithm": "Gef\u00e4\u00df"},
        {"algorithm_version": "a\\b"},
        {"parameters": "p" * 1025},
    ],
)
def test_texts_that_do_not_fit_their_elements_are_refused(given):
    with pytest.raises(sdk.DicomError, match="printable ASCII characters"):
        dataclasses.replace(INFO, **given)


def test_times_are_in_the_zone_of_the_source(tmp_path):
    path = source(tmp_path)
    with edited(path) as run:
        run.TimezoneOffsetFromUTC, run.StudyTime = "+1300", "140000"
    dataset = written(tmp_path, path, masks([0]))
    assert (dataset.TimezoneOffsetFromUTC, dataset.StudyTime) == ("+1300", "140000")
    told = datetime.strptime(f"{dataset.ContentDate}{dataset.ContentTime}+1300", "%Y%m%d%H%M%S%z")
    assert abs(datetime.now(tz=timezone.utc) - told) < timedelta(minutes=5)


@pytest.mark.parametrize(("kind", "lossy"), [("50", "01"), ("70", "00")])
def test_what_was_found_on_lossy_pixels_says_so(tmp_path, kind, lossy):
    path = source(tmp_path)
    with edited(path) as run:
        del run.LossyImageCompression
        run.PixelData = encapsulate([b"\xff\xd8"] * 6)
        run["PixelData"].VR = "OB"
        run.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.4.{kind}"
    assert written(tmp_path, path, masks([0])).LossyImageCompression == lossy


def test_a_series_number_that_would_not_fit_is_replaced(tmp_path):
    path = source(tmp_path)
    for number, expected in ((3, 301), (2**31 - 1, 1)):
        with edited(path) as run:
            run.SeriesNumber = number
        assert written(tmp_path, path, masks([0])).SeriesNumber == expected


def test_without_masks_nothing_is_written(tmp_path):
    with pytest.raises(sdk.DicomError, match="there is no mask"):
        DicomSegmentation(source(tmp_path), INFO).write(tmp_path / "segmentation.dcm")
    assert not (tmp_path / "segmentation.dcm").exists()


def test_what_cannot_be_referred_to_is_refused(tmp_path):
    path = source(tmp_path)
    dataset = pydicom.dcmread(path)
    del dataset.SeriesInstanceUID
    dataset.save_as(path)
    with pytest.raises(sdk.DicomError, match=r"Series Instance UID .* is missing"):
        DicomSegmentation(path, INFO)
