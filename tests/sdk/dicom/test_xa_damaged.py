"""A damaged frame is an error of its own, and of those that need it."""

import pytest
from xa_files import damage, phantom, xa_file

from sdk.dicom import read_xa
from sdk.dicom.write_xa import TransferSyntax
from sdk.errors import DicomError
from sdk.subtraction import MaskOperation, MaskSubtraction

AVERAGE = MaskSubtraction(operation=MaskOperation.AVG_SUB, mask_frames=(0, 1))


def test_one_damaged_frame_is_no_end(tmp_path):
    path = xa_file(tmp_path, phantom(6), syntax=TransferSyntax.JPEG_LS)
    damage(path, 2)
    frames = iter(read_xa(path))
    assert [next(frames).index, next(frames).index] == [0, 1]
    with pytest.raises(DicomError, match="frame 2"):
        next(frames)
    assert [frame.index for frame in frames] == [3, 4, 5]


def test_no_frame_goes_without_the_mask_that_is_damaged(tmp_path):
    """A network would answer on native frames where it was to see subtracted ones."""
    path = xa_file(tmp_path, phantom(5), syntax=TransferSyntax.JPEG_LS, subtraction=(AVERAGE,))
    damage(path, 1)
    run = read_xa(path)
    frames = iter(run)
    assert next(frames).mask is None
    with pytest.raises(DicomError, match="frame 1"):
        next(frames)
    for index in (2, 3, 4):
        with pytest.raises(DicomError, match=f"frame {index} needs a damaged one: .*frame 1"):
            next(frames)
        with pytest.raises(DicomError, match="frame 1"):
            run[index]
