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


def shifted(path, groups, items):
    with edited(path) as dataset:
        dataset.MaskSubtractionSequence = [item(**elements) for elements in items]
        dataset.PerFrameFunctionalGroupsSequence = [
            item(FramePixelShiftSequence=[item(**one) for one in group]) if group else item()
            for group in groups
        ]
    return path


def test_frames_may_shift_their_mask_each_on_its_own(tmp_path):
    """The frames that do not say so have the shift of none: enhanced items have no other."""
    one = {"SubtractionItemID": 1, "MaskOperation": "AVG_SUB", "MaskFrameNumbers": [1]}
    groups = [
        [],
        [],
        [{"SubtractionItemID": 1, "MaskSubPixelShift": [0.5, 1.25]}],
        [{"SubtractionItemID": 1, "MaskSubPixelShift": [0, -2]}],
    ]
    run = read_xa(shifted(xa_file(tmp_path), groups, [one]))
    expected = [(0.0, 0.0), (0.0, 0.0), (0.5, -1.25), (0.0, 2.0)]
    assert [frame.mask.shift_px for frame in run] == expected
    assert [run[index].mask.shift_px for index in range(4)] == expected


def test_a_shift_belongs_to_the_item_that_it_names(tmp_path):
    items = [
        {
            "SubtractionItemID": name,
            "MaskOperation": "AVG_SUB",
            "MaskFrameNumbers": [1],
            "ApplicableFrameRange": span,
        }
        for name, span in ((1, [1, 2]), (2, [3, 4]))
    ]
    group = [
        {"SubtractionItemID": 2, "MaskSubPixelShift": [2, 0]},
        {"SubtractionItemID": 1, "MaskSubPixelShift": [1, 0]},
    ]
    run = read_xa(shifted(xa_file(tmp_path), [group] * 4, items))
    assert [frame.mask.shift_px[0] for frame in run] == [1, 1, 2, 2]


def test_shifts_without_a_mask_are_none_of_our_business(tmp_path):
    group = [{"SubtractionItemID": 1, "MaskSubPixelShift": [2, 0]}]
    run = read_xa(shifted(xa_file(tmp_path), [group] * 4, []))
    assert [frame.mask for frame in run] == [None] * 4


@pytest.mark.parametrize("increment", [[0.0499, 0.0501, 0.0499, -0.1], [0, 0.1, -0.1, 0.05]])
def test_noise_of_encoders_is_no_movement(tmp_path, increment):
    path = with_item(xa_file(tmp_path), MaskOperation="AVG_SUB", MaskFrameNumbers=[1])
    with edited(path) as dataset:
        dataset.TableVerticalIncrement = increment
    frames = list(read_xa(path))
    assert all(frame.mask is not None and not frame.notes for frame in frames)


def test_frames_that_lose_their_mask_to_a_movement_say_so(tmp_path):
    path = with_item(xa_file(tmp_path), MaskOperation="AVG_SUB", MaskFrameNumbers=[1])
    with edited(path) as dataset:
        dataset.TableVerticalIncrement = [0, 0, 40, 0]
    notes = [frame.notes for frame in read_xa(path)]
    assert notes == [
        (),
        (),
        ("it stays native: table or gantry moved after its mask was taken",),
        (),
    ]


def test_runs_that_are_subtracted_in_part_are_refused(tmp_path):
    path = with_item(xa_file(tmp_path), MaskOperation="AVG_SUB", MaskFrameNumbers=[1])
    with edited(path) as dataset:
        dataset.PerFrameFunctionalGroupsSequence = [
            item(FramePixelDataPropertiesSequence=[item(AppliedMaskSubtractionFlag=flag)])
            for flag in ("NO", "YES", "YES", "YES")
        ]
    with pytest.raises(DicomError, match=r"Applied Mask Subtraction Flag.*changes inside the run"):
        read_xa(path)
