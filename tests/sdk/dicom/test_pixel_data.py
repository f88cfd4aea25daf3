"""Frames are found however their fragments are listed, or the file is refused."""

import struct

import numpy as np
import pytest
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from xa_files import edited, phantom, xa_file

from sdk.dicom import read_xa
from sdk.dicom.write_xa import TransferSyntax
from sdk.errors import DicomError


@pytest.fixture
def jpeg_ls(tmp_path):
    return xa_file(tmp_path, phantom(3, (40, 50)), syntax=TransferSyntax.JPEG_LS)


def assert_reads(path):
    np.testing.assert_array_equal([frame.pixels for frame in read_xa(path)], phantom(3, (40, 50)))


def encoded(dataset):
    return list(generate_frames(dataset.PixelData, number_of_frames=3))


@pytest.mark.parametrize("has_table", [True, False])
def test_finds_fragmented_frames(jpeg_ls, has_table):
    with edited(jpeg_ls) as dataset:
        dataset.PixelData = encapsulate(encoded(dataset), 3, has_bot=has_table)
    assert_reads(jpeg_ls)


def test_finds_frames_by_the_extended_table(jpeg_ls):
    with edited(jpeg_ls) as dataset:
        data, offsets, lengths = encapsulate_extended(encoded(dataset))
        dataset.PixelData, dataset.ExtendedOffsetTable = data, offsets
        dataset.ExtendedOffsetTableLengths = lengths
    assert_reads(jpeg_ls)


def test_a_wrong_table_is_overruled_by_the_fragments(jpeg_ls):
    with edited(jpeg_ls) as dataset:
        data = encapsulate(encoded(dataset), 2, has_bot=True)
        dataset.PixelData = data[:8] + struct.pack("<3I", 0, 4, 8) + data[20:]
    assert_reads(jpeg_ls)


@pytest.mark.parametrize("frames", [1, 2, 4, 1000, 2_000_000_000])
def test_refuses_another_number_of_frames(jpeg_ls, frames):
    with edited(jpeg_ls) as dataset:
        dataset.NumberOfFrames = frames
    with pytest.raises(DicomError, match=r"Number of Frames \(0028,0008\) is"):
        read_xa(jpeg_ls)


def test_refuses_a_file_that_ends_between_fragments(jpeg_ls):
    jpeg_ls.write_bytes(jpeg_ls.read_bytes()[:-8])
    with pytest.raises(DicomError, match=r"Pixel Data \(7FE0,0010\) is cut off after 4 items"):
        read_xa(jpeg_ls)


def test_notices_that_the_file_was_replaced(jpeg_ls):
    run = read_xa(jpeg_ls)
    jpeg_ls.write_bytes(jpeg_ls.read_bytes() + b"\0\0")
    with pytest.raises(DicomError, match="changed since it was opened"):
        run[0]
    jpeg_ls.unlink()
    with pytest.raises(DicomError, match="frame 1"):
        run[1]
