"""A vendor's network is fed and read in every layout and kind of values it can state."""

import numpy as np
import pytest
from folders import dark_square

from sdk import Frame
from sdk.tasks import Segmentation

SIDE = 64


def task_of(channels=1, **changes):
    layout = changes.get("layout", "NCHW")
    shape, grey = (1, channels, SIDE, SIDE), (1, 1, SIDE, SIDE)
    if layout == "NHWC":
        shape, grey = (1, SIDE, SIDE, channels), (1, SIDE, SIDE, 1)
    options = {
        "input_name": "image",
        "input_shape": grey,
        "output_name": "map",
        "output_shape": shape,
    }
    return Segmentation(**(options | changes))


def vessels_from(task, planes, frame_side=SIDE):
    """What the task reads from (channels, rows, columns) planes."""
    frame = Frame(pixels=dark_square(frame_side))
    image = {task.input_name: np.zeros(task.input_shape, task.input_dtype)}
    task.preprocess(frame, image)
    planes = np.asarray(planes, task.output_dtype)
    tensor = planes if task.layout == "NCHW" else np.moveaxis(planes, 0, -1)
    return task.postprocess({task.output_name: np.ascontiguousarray(tensor[None])}, frame)


@pytest.fixture
def inside():
    return np.random.default_rng(0).random((SIDE, SIDE)) < 0.3


def test_logits_are_thresholded_at_the_probability(inside):
    plane = np.where(inside, 1.4, 1.3)  # 0.802 and 0.786
    answer = vessels_from(task_of(threshold=0.79), [plane])
    np.testing.assert_array_equal(answer.mask, inside)


def test_probabilities_are_thresholded_as_they_are(inside):
    plane = np.where(inside, 0.6, 0.4)
    np.testing.assert_array_equal(vessels_from(task_of(values="sigmoid"), [plane]).mask, inside)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_softmax_logits_are_read_as_log_odds(inside, layout, dtype):
    """Twice as probable as both others together is above one half, whatever the offset."""
    others = np.full((2, SIDE, SIDE), 3.0)
    vessel = np.where(inside, 3.0 + np.log(4.2), 3.0 + np.log(1.8))
    task = task_of(3, layout=layout, output_dtype=dtype, channel=1)
    answer = vessels_from(task, [others[0], vessel, others[1]])
    np.testing.assert_array_equal(answer.mask, inside)


def test_softmax_probabilities_of_a_channel(inside):
    vessel = np.where(inside, 0.7, 0.2)
    task = task_of(2, values="softmax", channel=1, layout="NHWC")
    np.testing.assert_array_equal(vessels_from(task, [1 - vessel, vessel]).mask, inside)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_every_input_channel_gets_the_frame_scaled(layout):
    shape = (1, 3, SIDE, SIDE) if layout == "NCHW" else (1, SIDE, SIDE, 3)
    task = task_of(input_shape=shape, layout=layout, low=-1.0, high=1.0)
    image = np.zeros(shape, np.float32)
    task.preprocess(Frame(pixels=dark_square(SIDE)), {"image": image})
    channels = image[0] if layout == "NCHW" else np.moveaxis(image[0], -1, 0)
    np.testing.assert_array_equal(channels[0], channels[2])
    assert image.min() == -1.0
    assert image.max() == 1.0


def test_a_smaller_output_is_brought_to_source_pixels():
    quarter = SIDE // 4
    plane = np.full((quarter, quarter), -9.0)
    plane[4:8, 4:8] = 9.0
    task = task_of(output_shape=(1, 1, quarter, quarter))
    mask = vessels_from(task, [plane], frame_side=256).mask
    assert mask.shape == (256, 256)
    assert mask[70:122, 70:122].all()
    assert not mask[:58].any()


@pytest.mark.parametrize("shape", [(1000, 700), (700, 1000), (993, 401), (300, 777)])
def test_a_mask_of_an_output_eight_times_as_coarse_lies_where_the_vessel_is(shape):
    task = task_of(input_shape=(1, 1, 512, 512), output_shape=(1, 1, 64, 64))
    pixels = np.full(shape, 3000, np.uint16)
    pixels[: shape[0] // 2, : shape[1] // 2] = 40
    frame = Frame(pixels=pixels)
    image = {"image": np.zeros(task.input_shape, np.float32)}
    task.preprocess(frame, image)
    plane = 0.5 - image["image"].reshape((1, 1, 64, 8, 64, 8)).mean(axis=(3, 5))
    mask = task.postprocess({"map": np.ascontiguousarray(plane)}, frame).mask
    columns = np.flatnonzero(mask[: shape[0] // 4].any(axis=0))
    rows = np.flatnonzero(mask[:, : shape[1] // 4].any(axis=1))
    assert abs(columns.max() + 1 - shape[1] // 2) <= 1
    assert abs(rows.max() + 1 - shape[0] // 2) <= 1


def test_specks_are_dropped():
    plane = np.full((SIDE, SIDE), -9.0)
    plane[10:30, 10:14] = 9.0
    plane[50, 50] = 9.0
    answer = vessels_from(task_of(min_tree_fraction=0.002), [plane])
    assert answer.count == 1
    assert answer.area_px == 80
    assert answer.mask[50, 50] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layout": "CHW"}, "layout must be one of"),
        ({"values": "votes"}, "values one of"),
        ({"channel": 1}, "channel must be one of the output's 1"),
        ({"threshold": 1.0}, "threshold must be a probability"),
        ({"input_shape": (2, 1, 8, 8)}, "batch of 1"),
        ({"output_shape": (1, 8, 8)}, "4 positive extents"),
    ],
)
def test_refuses_what_does_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        task_of(**changes)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_answers_agree_as_far_as_their_masks_do(inside, layout):
    task = task_of(layout=layout)
    assert task.frame_size == (SIDE, SIDE)
    whole = vessels_from(task, [np.where(inside, 5.0, -5.0)])
    half = inside.copy()
    half[SIDE // 2 :] = False
    part = vessels_from(task, [np.where(half, 5.0, -5.0)])
    expected = 2 * half.sum() / (inside.sum() + half.sum())
    assert task.agreement(whole, whole) == {"dice": 1.0}
    assert task.agreement(whole, part) == {"dice": pytest.approx(expected)}
