"""What a kernel cannot use is refused in one sentence that names it, not by a library below."""

from functools import partial

import numpy as np
import pytest

from sdk import kernels
from sdk.kernels import checks

BYTES = np.zeros((40, 40), np.uint8)
FLOATS = np.zeros((40, 40), np.float32)
BOXES = np.array([[0, 0, 1, 1]], np.float32)
SCORES = np.ones(1, np.float32)
PERCENTS = np.zeros(3, np.float64)
NUMBERS = np.zeros(3, np.int64)

style = partial(kernels.OverlayStyle, low=0, high=1)
decode = partial(kernels.DecodeOptions, score_threshold=0.5)
cut = partial(kernels.TileCut, origin=(0, 0, 0), slices=4, window=(0.0, 1.0))
find_window = partial(kernels.find_window, BYTES, out=PERCENTS)

WRONG_TYPES = {
    "connectivity": partial(kernels.components, BYTES, connectivity=8.0),
    "white": partial(kernels.Subtraction, white=100.5),
    "log": partial(kernels.Subtraction, log="no"),
    "shift_px": partial(kernels.Subtraction, shift_px=("a", 0)),
    "outline_px": partial(style, outline_px=1.0),
    "origin": partial(cut, origin=(0.5, 0, 0)),
    "slices": partial(cut, slices=4.0),
    "extent": partial(decode, extent=("a", 1)),
    "top": partial(decode, top=None),
    "max_kept": partial(kernels.NmsOptions, iou_threshold=0.5, max_kept=1.5),
    "iou_threshold": partial(kernels.nms, BOXES, SCORES, None),
    "q": partial(kernels.percentiles, BYTES, 50),
    "q of nothing": partial(kernels.percentiles, BYTES, None),
    "q of a window": partial(find_window, 5),
    "level": partial(kernels.threshold, FLOATS, None, out=BYTES),
    "counted": partial(kernels.threshold, FLOATS, 0.0, out=BYTES, counted="yes"),
    "longest_px": partial(kernels.estimate_shift, BYTES, BYTES, longest_px=None),
    "log of a shift": partial(kernels.estimate_shift, BYTES, BYTES, log="no"),
    "min_pixels": partial(kernels.queue_remove_small, BYTES, 2.5, counts=NUMBERS),
    "min_size": partial(kernels.remove_small, BYTES, 2.5),
    "k": partial(kernels.keep_largest, BYTES, 1.0),
    "allowed": partial(kernels.AnatomicalFilter, allowed=[1.5]),
    "weights": partial(kernels.FusionOptions, weights=3.0),
    "pixel_spacing_mm": partial(kernels.centreline, BYTES, pixel_spacing_mm=1.0),
    "boxes": partial(kernels.nms, None, SCORES, 0.5),
    "anchors": partial(kernels.decode_boxes, [[0]], FLOATS, SCORES, decode()),
    "frame": partial(kernels.overlay, [[0]], BYTES, style()),
    "mask": partial(kernels.centreline, [[0]]),
    "candidates": partial(kernels.anatomical_filter, [[0]], BYTES),
}
WRONG_VALUES = {
    "max_kept": partial(kernels.NmsOptions, iou_threshold=0.5, max_kept=2**31),
    "max_kept of soft_nms": partial(kernels.SoftNmsOptions, max_kept=2**31),
    "top": partial(decode, top=2**31),
    "connectivity": partial(kernels.components, BYTES, connectivity=2**40),
    "pixel_spacing_mm": partial(kernels.centreline, BYTES, pixel_spacing_mm=(1, 1, 1)),
    "pixel_spacing_mm of one axis": partial(kernels.centreline, BYTES, pixel_spacing_mm=(1,)),
    "span": partial(kernels.Subtraction, span=(1,)),
    "span of three": partial(kernels.Subtraction, span=(1, 2, 3)),
    "origin": partial(cut, origin=(0, 0)),
    "origin far away": partial(cut, origin=(2**40, 0, 0)),
    "box": partial(cut, box=((0, 0, 0),)),
    "window": partial(cut, window=(1.0,)),
    "extent": partial(decode, extent=(float("nan"), 5)),
}
LOST_IN_FLOAT32 = {
    "the square of min_distance": partial(kernels.NmsOptions, iou_threshold=1, min_distance=1e-24),
    "sigma": partial(kernels.SoftNmsOptions, sigma=1e-50),
    "score_threshold": partial(kernels.SoftNmsOptions, score_threshold=1e39),
    r"1 / \(high - low\)": partial(kernels.Subtraction, high=1e-40),
    "low": partial(kernels.Subtraction, low=1e39),
    "the width of span": partial(kernels.Subtraction, span=(0, 1e39)),
    r"255 / \(high - low\)": partial(style, high=1e-40),
    "the width of the window": partial(cut, window=(0.0, 1e-50)),
}


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_refuses_another_type(name):
    with pytest.raises(TypeError, match=rf"^{name.split(' of ')[0]} must [^\n]+; [^\n]+$"):
        WRONG_TYPES[name]()


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_refuses_what_has_no_meaning(name):
    with pytest.raises(ValueError, match=rf"^{name.split(' ')[0]} must [^\n]+; [^\n]+$"):
        WRONG_VALUES[name]()


@pytest.mark.parametrize("name", LOST_IN_FLOAT32)
def test_refuses_what_float32_loses(name):
    with pytest.raises(ValueError, match=rf"^{name} must be .* as float32 holds it"):
        LOST_IN_FLOAT32[name]()


@pytest.mark.parametrize(
    "call",
    [
        partial(kernels.percentiles, BYTES, (50,)),
        partial(find_window, (5, 95)),
        partial(kernels.noise_level, BYTES),
        partial(kernels.threshold, FLOATS, 0.0, out=BYTES.copy()),
        partial(kernels.estimate_shift, BYTES, BYTES),
        partial(kernels.centreline, BYTES),
        partial(kernels.nms, BOXES, SCORES, 0.5),
        partial(kernels.soft_nms, BOXES, SCORES),
    ],
    ids=lambda call: call.func.__name__,
)
def test_refuses_a_workspace_of_another_kernel(call):
    with pytest.raises(TypeError, match=r"^workspace must be a \w+Workspace or None, got Compo"):
        call(workspace=kernels.ComponentsWorkspace())


def test_a_sequence_may_be_an_array_or_a_generator():
    some = kernels.AnatomicalFilter(
        allowed=(label for label in (2, 5)), margin_mm=1.0, spacing_mm=np.array([0.5, 0.5])
    )
    assert np.flatnonzero(some.allowed_table).tolist() == [2, 5]
    assert kernels.AnatomicalFilter(allowed=np.array([2, 5])).allowed == (2, 5)
    assert kernels.FusionOptions(weights=np.array([2.0, 1.0])).total_weight == 3.0


def test_what_float32_holds_is_taken():
    for value in (0, -1e-37, 3e38):
        checks.check_float32("value", value)
