"""Decoders are chosen, checked and never trusted."""

import struct

import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import MPEG4HP41, JPEGBaseline8Bit
from xa_files import edited, phantom, xa_file

from sdk.dicom import codecs, read_xa
from sdk.dicom.write_xa import TransferSyntax
from sdk.errors import DicomError

SIZED = [
    (TransferSyntax.JPEG_LS, b"\xff\xf7", 5),
    (TransferSyntax.JPEG_2000, b"\xff\x51", 6),
]


@pytest.mark.parametrize(("syntax", "marker", "skip"), SIZED)
def test_a_compression_bomb_is_refused_before_it_is_decoded(tmp_path, syntax, marker, skip):
    path = xa_file(tmp_path, phantom(1, (40, 50)), syntax=syntax)
    data = bytearray(path.read_bytes())
    at = data.index(marker, data.index(b"\xfe\xff\x00\xe0")) + skip
    data[at : at + 2] = struct.pack(">H", 65000)
    path.write_bytes(data)
    with pytest.raises(DicomError, match=r"the compressed image is .*the header promises 40 x 50"):
        read_xa(path)


def test_an_rle_frame_that_is_too_short_for_its_header_is_refused(tmp_path):
    path = xa_file(tmp_path, phantom(1, (40, 50)), syntax=TransferSyntax.RLE)
    with edited(path) as dataset:
        dataset.Rows = dataset.Columns = 8192
    with pytest.raises(DicomError, match=r"in 2 RLE segments cannot hold 8192 x 8192"):
        read_xa(path)


def test_refuses_a_frame_that_is_no_image(tmp_path):
    path = xa_file(tmp_path, phantom(1, (40, 50)), syntax=TransferSyntax.JPEG_LS)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"\xff\xd8\xff\xf7", b"\x00\x00\x00\x00"))
    with pytest.raises(DicomError, match=r"frame 0: no JPEG image begins there"):
        read_xa(path)


def test_refuses_an_image_that_was_cut_off(tmp_path):
    path = xa_file(tmp_path, phantom(1, (40, 50)), syntax=TransferSyntax.JPEG_LS)
    with edited(path) as dataset:
        (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
        dataset.PixelData = encapsulate([frame[: len(frame) // 2]])
    with pytest.raises(DicomError, match="frame 0: the JPEG image has no end"):
        read_xa(path)


def test_refuses_a_syntax_that_is_no_still_image(tmp_path):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        dataset.file_meta.TransferSyntaxUID = MPEG4HP41
        dataset.PixelData = encapsulate([dataset.PixelData])
    with pytest.raises(DicomError, match=r"is not supported; transcode"):
        read_xa(path)


def test_a_missing_decoder_says_what_to_install(monkeypatch):
    monkeypatch.setitem(codecs.DECODERS, JPEGBaseline8Bit, ("absent", "some-package"))
    codecs.check_decoder.cache_clear()
    with pytest.raises(
        DicomError, match=r"\(0002,0010\) JPEG Baseline .* pip install some-package"
    ):
        codecs.check_decoder(JPEGBaseline8Bit)


@pytest.mark.parametrize("syntax", codecs.DECODERS)
def test_every_decoder_is_installed(syntax):
    assert codecs.check_decoder(syntax)
