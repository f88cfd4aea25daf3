"""An item of the Mask module takes what means the same, and refuses what contradicts itself."""

import numpy as np
import pytest

from sdk.errors import FrameError
from sdk.frame import Frame
from sdk.mask_subtraction import MaskOperation, MaskSubtraction
from sdk.subtraction import Subtractor

AVG_SUB, TID, REV_TID, _ = MaskOperation


def test_a_name_and_lists_mean_the_same_as_the_member_and_tuples():
    said = MaskSubtraction(
        operation="AVG_SUB",
        mask_frames=np.array([0, 1]),
        ranges=[[0, 3]],
        shift_px=[1, 0.5],
        contrast_frames=np.int64(2),
    )
    meant = MaskSubtraction(
        operation=AVG_SUB,
        mask_frames=(0, 1),
        ranges=((0, 3),),
        shift_px=(1.0, 0.5),
        contrast_frames=2,
    )
    assert said == meant
    assert hash(said) == hash(meant)


def test_frames_are_subtracted_by_an_item_with_a_name_and_a_list():
    subtractor = Subtractor([MaskSubtraction(operation="AVG_SUB", mask_frames=[0, 1])])
    run = [Frame(pixels=np.full((3, 4), 8 + i, np.uint16), index=i) for i in range(3)]
    assert [subtractor.attach(frame).mask is not None for frame in run] == [False, True, True]


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"operation": AVG_SUB}, "mask_frames must name"),
        ({"operation": AVG_SUB, "mask_frames": (-1,)}, "counted from 0"),
        ({"operation": REV_TID}, "ranges must be given"),
        ({"operation": TID, "tid_offset": 0}, "from itself"),
        ({"operation": TID, "ranges": ((3, 2),)}, "first <= last"),
        ({"operation": TID, "ranges": ((3, 4), (3, 5))}, "increasing order"),
        ({"operation": TID, "contrast_frames": 0}, "at least 1"),
        ({"operation": TID, "tid_offset": 5000}, "needs 5000 frames in memory"),
        ({"operation": "MAGIC"}, "one of AVG_SUB, TID, REV_TID, NONE, got 'MAGIC'"),
        ({"operation": TID, "tid_offset": 1.5}, "tid_offset must be whole numbers, got 1.5"),
        ({"operation": AVG_SUB, "mask_frames": (0, "1")}, "mask_frames must be whole numbers"),
        ({"operation": AVG_SUB, "mask_frames": 0}, "mask_frames must be a sequence, got 0"),
        ({"operation": TID, "ranges": (0, 3)}, "ranges must be a sequence, got 0"),
        ({"operation": TID, "ranges": ((0, 3, 4),)}, "pairs"),
        ({"operation": TID, "shift_px": (np.nan, 0.0)}, "TID: shift_px must be two finite"),
        ({"operation": TID, "shift_px": 1.0}, "shift_px must be two finite"),
    ],
)
def test_refuses_an_item_that_contradicts_itself(item, problem):
    with pytest.raises(FrameError, match=problem):
        MaskSubtraction(**item)
