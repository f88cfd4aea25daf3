"""MaskSubtractionSequence in a file: numbers from 1 become indices from 0, nonsense is refused."""

import pytest
from xa_files import edited, item, phantom, xa_file

from sdk.dicom import read_xa
from sdk.errors import DicomError
from sdk.mask_subtraction import MaskOperation, MaskSubtraction

AVERAGE = MaskSubtraction(
    operation=MaskOperation.AVG_SUB,
    mask_frames=(0, 1),
    ranges=((2, 4), (5, 5)),
    contrast_frames=2,
    shift_px=(0.5, -1.25),
)
REVERSED = MaskSubtraction(operation=MaskOperation.REV_TID, ranges=((3, 5),), tid_offset=2)


def with_item(path, **elements):
    with edited(path) as dataset:
        dataset.MaskSubtractionSequence = [item(**elements)]
    return path


def test_items_survive_the_file(tmp_path):
    items = (AVERAGE, REVERSED, MaskSubtraction(operation=MaskOperation.NONE))
    assert read_xa(xa_file(tmp_path, phantom(6), subtraction=items)).subtraction == items


def test_frame_numbers_begin_at_one(tmp_path):
    path = with_item(xa_file(tmp_path), MaskOperation="AVG_SUB", MaskFrameNumbers=[2])
    assert read_xa(path)[1].mask.frame_indices == (1,)


def test_a_positive_shift_of_the_mask_is_down_and_left(tmp_path):
    """PS3.3 C.7.6.10.1.2: toward the lower row, and toward the left hand side column."""
    path = with_item(
        xa_file(tmp_path),
        MaskOperation="AVG_SUB",
        MaskFrameNumbers=[1],
        MaskSubPixelShift=[0.5, 1.25],
    )
    assert read_xa(path)[1].mask.shift_px == (0.5, -1.25)


def test_an_empty_tid_offset_is_one(tmp_path):
    path = with_item(xa_file(tmp_path), MaskOperation="TID", TIDOffset=None)
    assert read_xa(path).subtraction[0].tid_offset == 1


@pytest.mark.parametrize(
    ("keyword", "increment", "masked"),
    [
        ("TableLongitudinalIncrement", [0, 0, 40, 0], [True, True, False, True]),
        ("PositionerPrimaryAngleIncrement", 0.5, [True, False, False, False]),
        ("PositionerPrimaryAngleIncrement", 0, [True] * 4),
    ],
)
def test_a_moving_table_or_gantry_invalidates_the_mask(tmp_path, keyword, increment, masked):
    path = with_item(xa_file(tmp_path), MaskOperation="AVG_SUB", MaskFrameNumbers=[1])
    with edited(path) as dataset:
        setattr(dataset, keyword, increment)
    run = read_xa(path)
    assert [frame.mask is not None for frame in run] == masked
    assert [run[index].mask is not None for index in range(4)] == masked


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"MaskOperation": "MAGIC"}, r"Mask Operation \(0028,6101\) must be one of"),
        ({"MaskOperation": "AVG_SUB"}, "mask_frames must name at least one"),
        ({"MaskOperation": "AVG_SUB", "MaskFrameNumbers": [5]}, r"\(0028,6110\) must be in 1\.\.4"),
        ({"MaskOperation": "AVG_SUB", "MaskFrameNumbers": [0]}, r"\(0028,6110\) must be in 1\.\.4"),
        ({"MaskOperation": "TID", "ApplicableFrameRange": [1, 2, 3]}, "must be pairs"),
        ({"MaskOperation": "TID", "TIDOffset": 0}, "from itself.*subtract=False"),
        ({"MaskOperation": "TID", "MaskSubPixelShift": 1.0}, r"must be \(row, column\)"),
    ],
)
def test_refuses_nonsense(tmp_path, elements, message):
    path = with_item(xa_file(tmp_path), **elements)
    with pytest.raises(DicomError, match=message):
        read_xa(path)
    assert len(read_xa(path, subtract=False)) == 4


def test_refuses_increments_of_another_count(tmp_path):
    path = with_item(xa_file(tmp_path), MaskOperation="TID")
    with edited(path) as dataset:
        dataset.TableVerticalIncrement = [0, 1]
    with pytest.raises(DicomError, match=r"\(0018,1135\) must be 1 or 4 values, got 2"):
        read_xa(path)


def test_refuses_shifts_of_single_frames(tmp_path):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        dataset.PerFrameFunctionalGroupsSequence = [
            item(FramePixelShiftSequence=[item(SubtractionItemID=1)])
        ] * 4
    with pytest.raises(DicomError, match=r"\(0028,9415\).*subtract=False"):
        read_xa(path)
