"""Written runs are XA files that others read too."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from pydicom.uid import XRayAngiographicImageStorage
from xa_files import phantom, xa_file

from sdk.dicom import read_xa
from sdk.dicom.shutter import Shutter
from sdk.dicom.write_xa import TransferSyntax, XaInfo, write_xa
from sdk.errors import DicomError
from sdk.frame import Intensity
from sdk.mask_subtraction import MaskOperation, MaskSubtraction

# Attributes that PS3.3 A.14 and its modules require of every multi-frame XA image.
REQUIRED = """
SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID PatientName PatientID
PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber
Modality SeriesNumber InstanceNumber Manufacturer ImageType PixelIntensityRelationship KVP
RadiationSetting PositionerMotion PositionerPrimaryAngle PositionerSecondaryAngle TableMotion
SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit
PixelRepresentation PixelData NumberOfFrames FrameIncrementPointer
"""


@pytest.mark.parametrize("syntax", TransferSyntax)
def test_pydicom_reads_the_same_pixels(tmp_path, syntax):
    frames = phantom(2, (64, 70))
    dataset = pydicom.dcmread(xa_file(tmp_path, frames, bits_stored=12, syntax=syntax))
    assert dataset.file_meta.TransferSyntaxUID == syntax.value
    np.testing.assert_array_equal(dataset.pixel_array, frames)


def test_all_required_attributes_are_there(tmp_path):
    dataset = pydicom.dcmread(xa_file(tmp_path))
    assert [keyword for keyword in REQUIRED.split() if keyword not in dataset] == []
    assert dataset.SOPClassUID == XRayAngiographicImageStorage


@pytest.mark.parametrize("syntax", TransferSyntax)
@pytest.mark.parametrize("intensity", Intensity)
def test_the_independent_validator_finds_no_fault(tmp_path, syntax, intensity):
    validator = shutil.which("dciodvfy")
    if validator is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    path = xa_file(
        tmp_path,
        phantom(6, (64, 70)),
        syntax=syntax,
        bits_stored=12,
        intensity=intensity,
        imager_spacing_mm=(0.3, 0.3),
        magnification=1.2,
        frame_times_ms=(0, 250, 500, 1000, 1500, 2500),
        shutter=Shutter(rectangle=(0, 0, 60, 60), circle=(30, 30, 30)),
        subtraction=(
            MaskSubtraction(operation=MaskOperation.AVG_SUB, mask_frames=(0, 1), shift_px=(1, 2)),
            MaskSubtraction(operation=MaskOperation.REV_TID, ranges=((3, 5),)),
        ),
    )
    report = subprocess.run([validator, path], capture_output=True, text=True, check=False).stderr
    assert "XAImage" in report
    assert "Error" not in report


def test_equal_steps_are_a_frame_time_and_others_a_vector(tmp_path):
    steady = pydicom.dcmread(xa_file(tmp_path, frame_times_ms=(0, 100 / 3, 200 / 3, 100)))
    assert float(steady.FrameTime) == pytest.approx(100 / 3)
    varied = pydicom.dcmread(xa_file(tmp_path, frame_times_ms=(0, 250, 500, 1000)))
    assert list(varied.FrameTimeVector) == [0, 250, 250, 500]


def test_an_odd_number_of_bytes_is_padded(tmp_path):
    frames = phantom(1, (3, 5), np.uint8, 8)
    np.testing.assert_array_equal(read_xa(xa_file(tmp_path, frames))[0].pixels, frames[0])


@pytest.mark.parametrize(
    ("frames", "info", "message"),
    [
        (np.zeros((2, 3), np.uint8), {}, r"got uint8 \(2, 3\)"),
        (np.zeros((2, 3, 4), np.int16), {}, "got int16"),
        (np.full((2, 3, 4), 4096, np.uint16), {"bits_stored": 12}, "up to 4096 do not fit 12"),
        (np.zeros((2, 3, 4), np.uint8), {"bits_stored": 9}, "do not fit 9 bits"),
        (np.zeros((2, 3, 4), np.uint8), {"frame_times_ms": (0,)}, "has 1 values for 2 frames"),
        (np.zeros((2, 3, 4), np.uint8), {"frame_times_ms": (5, 0)}, "run backwards"),
    ],
)
def test_refuses_what_it_cannot_write(tmp_path, frames, info, message):
    with pytest.raises(DicomError, match=message):
        write_xa(tmp_path / "run.dcm", frames, XaInfo(**info))


def test_names_the_file_it_could_not_write(tmp_path):
    with pytest.raises(DicomError, match=r"absent/run\.dcm"):
        write_xa(tmp_path / "absent" / "run.dcm", phantom())
