"""Which frame gets which mask, against the rules of DICOM PS3.3 C.7.6.10 written out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.errors import FrameError
from sdk.frame import Frame, Mask
from sdk.mask_subtraction import MaskOperation, MaskSubtraction
from sdk.subtraction import Subtractor

AVG_SUB, TID, REV_TID, NONE = MaskOperation


def pixels_of(index, dtype=np.uint16):
    return np.random.default_rng(index).integers(0, 256, (3, 4), dtype)


def frame_of(index):
    return Frame(pixels=pixels_of(index), index=index)


def run_of(count, *items):
    subtractor = Subtractor(items)
    return [subtractor.attach(frame_of(index)) for index in range(count)]


def mask_frames(frames):
    return [frame.mask.frame_indices if frame.mask else None for frame in frames]


def test_frames_before_their_mask_stay_native():
    frames = run_of(5, MaskSubtraction(operation=AVG_SUB, mask_frames=(1, 2)))
    assert mask_frames(frames) == [None, None, (1, 2), (1, 2), (1, 2)]


def test_frames_whose_mask_got_lost_say_so():
    subtractor = Subtractor([MaskSubtraction(operation=AVG_SUB, mask_frames=(1, 2))])
    frames = [subtractor.attach(frame_of(index)) for index in (0, 2, 3)]  # 1 never comes
    assert mask_frames(frames) == [None, None, None]
    said = "it stays native: a frame of its mask did not come"
    assert [frame.notes for frame in frames] == [(), (), (said,)]


def test_a_native_frame_is_passed_on_itself():
    frame = frame_of(0)
    assert Subtractor().attach(frame) is frame


def test_one_mask_object_serves_all_its_frames():
    frames = run_of(6, MaskSubtraction(operation=AVG_SUB, mask_frames=(0, 1, 2)))
    assert len({id(frame.mask) for frame in frames[2:]}) == 1


def test_pixels_of_a_subtracted_frame_are_untouched():
    subtractor = Subtractor([MaskSubtraction(operation=AVG_SUB, mask_frames=(0,))])
    for index in range(3):
        frame = frame_of(index)
        assert subtractor.attach(frame).pixels is frame.pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_averages_are_rounded_half_up(dtype):
    subtractor = Subtractor([MaskSubtraction(operation=AVG_SUB, mask_frames=(0, 1))])
    white = np.iinfo(dtype).max
    subtractor.attach(Frame(pixels=np.array([[0, 1, white]], dtype), index=0))
    mask = subtractor.attach(Frame(pixels=np.array([[1, 1, white]], dtype), index=1)).mask
    assert mask.pixels.dtype == dtype
    np.testing.assert_array_equal(mask.pixels, [[1, 1, white]])


def test_tid_takes_the_frame_before():
    frames = run_of(5, MaskSubtraction(operation=TID, tid_offset=2))
    assert mask_frames(frames) == [None, None, (0,), (1,), (2,)]
    for index in (2, 3, 4):
        np.testing.assert_array_equal(frames[index].mask.pixels, pixels_of(index - 2))


def test_a_mask_in_the_future_never_exists():
    assert mask_frames(run_of(4, MaskSubtraction(operation=TID, tid_offset=-1))) == [None] * 4


def test_rev_tid_walks_the_mask_run_backwards():
    # Mask number = (first contrast frame - offset) - (frame - first contrast frame).
    item = MaskSubtraction(operation=REV_TID, ranges=((4, 7),), tid_offset=1)
    assert mask_frames(run_of(9, item)) == [None] * 4 + [(3,), (2,), (1,), (0,)] + [None]


def test_rev_tid_counts_from_the_first_range_also_in_the_second():
    item = MaskSubtraction(operation=REV_TID, ranges=((4, 4), (6, 7)), tid_offset=1)
    assert mask_frames(run_of(8, item)) == [None] * 4 + [(3,), None, (1,), (0,)]


def test_the_first_item_that_applies_wins():
    native = MaskSubtraction(operation=NONE, ranges=((2, 3),))
    average = MaskSubtraction(operation=AVG_SUB, mask_frames=(0,))
    assert mask_frames(run_of(5, native, average)) == [(0,), (0,), None, None, (0,)]


def test_shift_is_carried_to_the_mask():
    item = MaskSubtraction(operation=AVG_SUB, mask_frames=(0,), shift_px=(0.5, -2.0))
    assert run_of(1, item)[0].mask.shift_px == (0.5, -2.0)


def test_contrast_averaging_trails():
    item = MaskSubtraction(operation=AVG_SUB, mask_frames=(0,), ranges=((2, 9),), contrast_frames=3)
    frames = run_of(6, item)
    for index, first in [(2, 2), (3, 2), (4, 2), (5, 3)]:
        window = np.stack([pixels_of(i) for i in range(first, index + 1)]).astype(float)
        np.testing.assert_array_equal(frames[index].pixels, np.floor(window.mean(0) + 0.5))


def test_a_lost_mask_frame_leaves_the_run_native():
    subtractor = Subtractor([MaskSubtraction(operation=AVG_SUB, mask_frames=(0, 1))])
    assert mask_frames([subtractor.attach(frame_of(i)) for i in (0, 2, 3)]) == [None] * 3
    assert subtractor.frames_held == 0


def test_a_mask_is_used_only_where_it_was_taken():
    subtractor = Subtractor([MaskSubtraction(operation=AVG_SUB, mask_frames=(0,))])
    places = [(0.0,), (0.0,), (15.0,), (0.0,)]
    frames = [subtractor.attach(frame_of(i), position=p) for i, p in enumerate(places)]
    assert mask_frames(frames) == [(0,), (0,), None, (0,)]


def test_a_mask_taken_while_moving_never_exists():
    subtractor = Subtractor([MaskSubtraction(operation=AVG_SUB, mask_frames=(0, 1))])
    frames = [subtractor.attach(frame_of(i), position=(float(i),)) for i in range(3)]
    assert mask_frames(frames) == [None] * 3


def test_contrast_averaging_starts_again_after_a_move():
    item = MaskSubtraction(operation=TID, contrast_frames=3)
    subtractor = Subtractor([item])
    places = [(0.0,), (0.0,), (1.0,), (1.0,)]
    frames = [subtractor.attach(frame_of(i), position=p) for i, p in enumerate(places)]
    mean = np.floor((pixels_of(2).astype(float) + pixels_of(3)) / 2 + 0.5)
    np.testing.assert_array_equal(frames[3].pixels, mean)


def test_a_buffer_that_the_scanner_reuses_does_not_change_the_mask():
    subtractor, buffer = Subtractor([MaskSubtraction(operation=TID)]), pixels_of(0)
    subtractor.attach(Frame(pixels=buffer, index=0))
    buffer[:] = 0
    frame = subtractor.attach(frame_of(1))
    np.testing.assert_array_equal(frame.mask.pixels, pixels_of(0))


def test_read_only_pixels_are_shared_not_copied():
    subtractor, pixels = Subtractor([MaskSubtraction(operation=TID)]), pixels_of(0)
    pixels.flags.writeable = False
    subtractor.attach(Frame(pixels=pixels, index=0))
    assert subtractor.attach(frame_of(1)).mask.pixels is pixels


@pytest.mark.parametrize(
    "item",
    [
        MaskSubtraction(operation=TID, tid_offset=3),
        MaskSubtraction(operation=AVG_SUB, mask_frames=(1, 4), contrast_frames=2),
        MaskSubtraction(operation=REV_TID, ranges=((6, 9),), tid_offset=2),
        MaskSubtraction(operation=NONE),
    ],
)
def test_memory_is_bounded_by_the_item(item):
    subtractor, most = Subtractor([item]), 0
    for index in range(50):
        subtractor.attach(frame_of(index))
        most = max(most, subtractor.frames_held)
    assert most <= item.frames_held


ITEMS = st.builds(
    lambda operation, first, length, masks, contrast, offset: MaskSubtraction(
        operation=operation,
        ranges=((first, first + length),),
        mask_frames=tuple(masks),
        contrast_frames=contrast,
        tid_offset=offset or 1,
    ),
    st.sampled_from(MaskOperation),
    st.integers(0, 8),
    st.integers(0, 8),
    st.lists(st.integers(0, 9), min_size=1, max_size=3),
    st.integers(1, 4),
    st.integers(-3, 6),
)


@given(st.lists(ITEMS, max_size=3), st.lists(st.sampled_from([0.0, 1.0]), min_size=12, max_size=12))
def test_the_named_sources_alone_give_the_same_bits(items, places):
    subtractor = Subtractor(items)
    for index, place in enumerate(places):
        whole = subtractor.attach(frame_of(index), position=(place,))
        alone = Subtractor(items)
        for source in alone.sources(index):
            frame = alone.attach(frame_of(source), position=(places[source],))
        np.testing.assert_array_equal(frame.pixels, whole.pixels)
        assert mask_frames([frame]) == mask_frames([whole])
        if whole.mask:
            np.testing.assert_array_equal(frame.mask.pixels, whole.mask.pixels)


def test_reset_starts_another_run():
    subtractor = Subtractor([MaskSubtraction(operation=AVG_SUB, mask_frames=(1,))])
    for index in range(2):
        subtractor.attach(frame_of(index))
    subtractor.reset()
    assert subtractor.attach(frame_of(0)).mask is None


def test_refuses_frames_out_of_order():
    subtractor = Subtractor()
    subtractor.attach(frame_of(3))
    with pytest.raises(FrameError, match=r"frame 3 came after frame 3.*reset\(\)"):
        subtractor.attach(frame_of(3))


def test_refuses_a_frame_of_another_size():
    subtractor = Subtractor()
    subtractor.attach(frame_of(0))
    with pytest.raises(FrameError, match=r"frame 1 is uint16 \(3, 5\)"):
        subtractor.attach(Frame(pixels=np.zeros((3, 5), np.uint16), index=1))


def test_refuses_a_frame_that_has_a_mask():
    frame = Frame(pixels=pixels_of(0), mask=Mask(pixels=pixels_of(1)))
    with pytest.raises(FrameError, match="has a mask already"):
        Subtractor().attach(frame)


def test_refuses_to_fetch_a_mask_from_the_device():
    class OnDevice:
        shape, dtype = (3, 4), np.dtype(np.uint16)
        __cuda_array_interface__ = {"typestr": "<u2"}  # noqa: RUF012

    with pytest.raises(FrameError, match="lies in device memory"):
        Subtractor([MaskSubtraction(operation=TID)]).attach(Frame(pixels=OnDevice()))
