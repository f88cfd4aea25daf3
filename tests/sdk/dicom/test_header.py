"""Damaged files end in a result or in our error, never in a hang or in a foreign traceback."""

import struct

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian
from xa_files import edited, phantom, xa_file

from sdk.dicom import read_xa
from sdk.dicom.header import describe, read_header
from sdk.dicom.shutter import Shutter
from sdk.dicom.write_xa import TransferSyntax
from sdk.errors import AngioEdgeError, DicomError
from sdk.mask_subtraction import MaskOperation, MaskSubtraction

RICH = {
    "bits_stored": 12,
    "shutter": Shutter(rectangle=(0, 0, 30, 30), circle=(16, 16, 16)),
    "imager_spacing_mm": (0.3, 0.3),
    "magnification": 1.2,
    "frame_times_ms": (0, 1, 3),
    "subtraction": (MaskSubtraction(operation=MaskOperation.TID),),
}
DAMAGE = st.lists(
    st.tuples(st.integers(132, 4000), st.one_of(st.just(b"\xff" * 4), st.binary(max_size=3))),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("syntax", TransferSyntax)
def test_damage_anywhere_is_an_error_or_a_result(tmp_path, syntax):
    path = xa_file(tmp_path, phantom(3, (64, 70)), syntax=syntax, **RICH)
    whole = path.read_bytes()

    @settings(max_examples=60, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
    @given(DAMAGE)
    def damage(places):
        data = bytearray(whole)
        for at, junk in places:
            data[at : at + len(junk)] = junk
        path.write_bytes(data)
        try:
            frames = list(read_xa(path))
        except AngioEdgeError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert frames

    damage()


def test_an_attribute_is_named_as_people_look_it_up():
    assert describe("FrameTime") == "Frame Time (0018,1063)"


def test_a_number_that_is_none_is_refused(tmp_path):
    path = xa_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"DS\x02\x0033", b"DS\x02\x00xy"))
    with pytest.raises(DicomError, match=r"Frame Time \(0018,1063\)"):
        read_xa(path)


@pytest.mark.parametrize("number", ["nan", "inf", "1e999"])
def test_numbers_are_finite(tmp_path, number):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        dataset.add_new("CineRate", "LO", number)
        del dataset.FrameTime
    with pytest.raises(DicomError, match=r"Cine Rate \(0018,0040\)"):
        read_xa(path)


def test_sequences_without_end_are_refused(tmp_path):
    path = xa_file(tmp_path)
    with pydicom.dcmread(path) as dataset:
        del dataset.PixelData
        dataset.save_as(path)
    deeper = struct.pack("<HH2sHI", 0x7FDF, 0x1000, b"SQ", 0, 0xFFFFFFFF)
    deeper += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    path.write_bytes(path.read_bytes() + 5000 * deeper)
    with pytest.raises(DicomError):
        read_xa(path)


def test_a_deflated_file_is_refused_before_it_is_inflated(tmp_path):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with pytest.raises(DicomError, match="deflated files are not supported; transcode"):
        read_xa(path)


def test_a_missing_syntax_is_named(tmp_path):
    path = xa_file(tmp_path)
    header = read_header(path)
    del header.dataset.file_meta.TransferSyntaxUID
    with pytest.raises(DicomError, match=r"\(0002,0010\) is missing"):
        assert header.syntax
