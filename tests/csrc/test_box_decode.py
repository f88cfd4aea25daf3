"""Decoding of a detection head against decoding every anchor in NumPy."""

import math

import numpy as np
import pytest
from devices import Cpu
from hypothesis import given
from hypothesis import strategies as st

from sdk import _native, kernels


def naive_decode(anchors, offsets, logits, options):
    """Returns boxes, scores, indices; offsets are (n, k)."""
    d = anchors.shape[1] // 2
    order = sorted(np.flatnonzero(logits > options.logit_threshold), key=lambda i: (-logits[i], i))
    rows = []
    for i in order[: options.top]:
        size = anchors[i, d:]
        centre = anchors[i, :d] + offsets[i, :d] * size
        half = size * np.exp(np.minimum(offsets[i, d:], options.max_log_size)) / 2
        low, high = centre - half, centre + half
        if not np.isfinite([low, high]).all():
            continue
        if options.extent is not None:
            low = np.maximum(low, -0.5)
            high = np.minimum(high, np.array(options.extent) - 0.5)
        if (low < high).all():
            rows.append((np.concatenate([low, high]), 1 / (1 + math.exp(-logits[i])), i))
    boxes, scores, indices = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(boxes).reshape(-1, 2 * d), np.array(scores), np.array(indices, np.int64)


def head(seed, n, d, *, shared_size=False):
    rng = np.random.default_rng(seed)
    sizes = rng.choice([5.0, 10.0, 20.0], (n, d))
    anchors = np.concatenate([rng.uniform(0, 64, (n, d)), sizes], 1).astype(np.float32)
    offsets = rng.normal(0, 0.4, (n, d + 1 if shared_size else 2 * d)).astype(np.float32)
    return anchors, offsets, rng.normal(-3, 2, n).astype(np.float32)


def check(decoded, expected, device=None):
    device = device or Cpu()
    boxes, scores, indices = expected
    np.testing.assert_array_equal(device.get(decoded.indices), indices)
    np.testing.assert_allclose(device.get(decoded.scores), scores, rtol=1e-6)
    np.testing.assert_allclose(device.get(decoded.boxes), boxes, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("shared_size", [False, True])
@pytest.mark.parametrize("extent", [False, True])
@pytest.mark.parametrize("n", [0, 1, 63, 64, 1000])
def test_equals_decoding_every_anchor(device, d, shared_size, extent, n):
    anchors, offsets, logits = head(n, n, d, shared_size=shared_size)
    size = (60, 50, 40)[:d] if extent else None
    for top in (0, 3, 1000):
        options = kernels.DecodeOptions(score_threshold=0.3, top=top, extent=size)
        given_head = (device.put(array) for array in (anchors, offsets, logits))
        decoded = kernels.decode_boxes(*given_head, options)
        check(decoded, naive_decode(anchors, offsets, logits, options), device)


@pytest.mark.parametrize("components", [4, 6])
def test_reads_channels_first_as_a_network_writes_them(device, components):
    groups, grid = 3, (4, 5, 6)
    cells = math.prod(grid)
    anchors, offsets, logits = head(1, groups * cells, 3, shared_size=components == 4)
    regression = offsets.reshape(groups, cells, components).transpose(0, 2, 1).copy()
    options = kernels.DecodeOptions(score_threshold=0.2)
    planes = (anchors, regression, logits.reshape(groups, cells))
    decoded = kernels.decode_boxes(*(device.put(array) for array in planes), options)
    check(decoded, naive_decode(anchors, offsets, logits, options), device)
    interleaved = regression.transpose(1, 0, 2).copy().transpose(1, 0, 2)
    again = kernels.decode_boxes(anchors, interleaved, logits.reshape(groups, cells), options)
    check(again, naive_decode(anchors, offsets, logits, options))


@given(
    st.lists(st.sampled_from([-1.0, 0.0, -0.0, 1.0, math.inf, -math.inf, math.nan]), max_size=99)
)
def test_ties_are_taken_by_index_and_nan_is_no_candidate(device, values):
    logits = np.array(values, np.float32)
    anchors, offsets, _ = head(0, len(values), 2)
    options = kernels.DecodeOptions(score_threshold=0.4, top=5)
    given_head = (device.put(array) for array in (anchors, offsets, logits))
    decoded = kernels.decode_boxes(*given_head, options)
    order = [i for i in range(len(values)) if logits[i] > options.logit_threshold]
    order.sort(key=lambda i: (-logits[i], i))
    np.testing.assert_array_equal(device.get(decoded.indices), order[:5])


def test_a_size_that_explodes_is_clamped():
    anchors = np.array([[50, 50, 16, 16]], np.float32)
    offsets = np.array([[0, 0, 80, 0]], np.float32)
    logits = np.ones(1, np.float32)
    options = kernels.DecodeOptions(score_threshold=0.5)
    decoded = kernels.decode_boxes(anchors, offsets, logits, options)
    np.testing.assert_allclose(decoded.boxes, [[-450, 42, 550, 58]], rtol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("component", range(4))
def test_a_box_that_is_not_finite_or_empty_is_left_out(device, value, component):
    anchors, offsets, logits = head(2, 3, 2)
    logits[:] = 2
    offsets[1, component] = value
    options = kernels.DecodeOptions(score_threshold=0.5)
    given_head = (device.put(array) for array in (anchors, offsets, logits))
    decoded = kernels.decode_boxes(*given_head, options)
    clamped = component >= 2 and value == np.inf
    np.testing.assert_array_equal(device.get(decoded.indices), [0, 1, 2] if clamped else [0, 2])


def test_a_box_outside_the_image_is_left_out():
    anchors = np.array([[5, 5, 4, 4], [40, 5, 4, 4], [9, 5, 4, 4]], np.float32)
    nothing = np.zeros((3, 4), np.float32)
    options = kernels.DecodeOptions(score_threshold=0.5, extent=(10, 10))
    decoded = kernels.decode_boxes(anchors, nothing, np.ones(3, np.float32), options)
    np.testing.assert_array_equal(decoded.boxes, [[3, 3, 7, 7], [7, 3, 9.5, 7]])


def test_boxes_are_decoded_and_suppressed_where_the_head_is(device):
    anchors, offsets, logits = head(4, 400, 3)
    options = kernels.DecodeOptions(score_threshold=0.2, top=100)
    workspace = kernels.BoxWorkspace()
    given_head = [device.put(array) for array in (anchors, offsets, logits)]
    decoded = kernels.decode_boxes(*given_head, options, workspace=workspace)
    kept = kernels.nms(decoded.boxes, decoded.scores, 0.1, workspace=workspace)
    boxes, scores = device.get(decoded.boxes), device.get(decoded.scores)
    np.testing.assert_array_equal(kept, kernels.nms(boxes.copy(), scores.copy(), 0.1))


@pytest.mark.gpu
def test_boxes_lie_in_the_stream_of_their_head(cuda):
    given_head = [cuda.put(array) for array in head(3, 50, 3)]
    options, workspace = kernels.DecodeOptions(score_threshold=0.2), kernels.BoxWorkspace()
    streams = [_native.DeviceStream() for _ in range(2)]
    for stream in streams:
        logits = kernels.DeviceArray((50,), np.dtype(np.float32), stream.handle)
        logits.copy_from(given_head[2])
        found = kernels.decode_boxes(*given_head[:2], logits, options, workspace=workspace)
        assert found.boxes.stream == found.scores.stream == stream.handle


def test_a_workspace_is_reused_and_serves_suppression_too():
    workspace = kernels.BoxWorkspace()
    anchors, offsets, logits = head(3, 500, 3)
    options = kernels.DecodeOptions(score_threshold=0.2, top=100)
    first = kernels.decode_boxes(anchors, offsets, logits, options, workspace=workspace)
    again = kernels.decode_boxes(anchors, offsets, logits, options, workspace=workspace)
    assert np.shares_memory(first.boxes, again.boxes)
    kept = kernels.nms(again.boxes, again.scores, 0.1, workspace=workspace)
    np.testing.assert_array_equal(kept, kernels.nms(first.boxes.copy(), first.scores.copy(), 0.1))
    check(again, naive_decode(anchors, offsets, logits, options))


def test_any_number_may_be_asked_for(device):
    anchors, offsets, logits = head(0, 7, 2)
    options = kernels.DecodeOptions(score_threshold=0.01, top=2**31 - 1)
    given_head = (device.put(array) for array in (anchors, offsets, logits))
    decoded = kernels.decode_boxes(*given_head, options)
    check(decoded, naive_decode(anchors, offsets, logits, options), device)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"anchors": np.zeros((7, 5), np.float32)}, r"anchors must be \(n, 4\) or \(n, 6\)"),
        ({"anchors": np.zeros((6, 4), np.float32)}, "anchors must have one row per logit, 7"),
        ({"offsets": np.zeros((7, 5), np.float32)}, "with 4 or 3 components, got float32"),
        ({"offsets": np.zeros((6, 4), np.float32)}, "reshape the head's output"),
        ({"logits": np.zeros(7, np.float64)}, "logits must be float32, got float64"),
        ({"logits": np.zeros((1, 1, 7), np.float32)}, "logits must be 2-dimensional"),
    ],
)
def test_refuses_and_says_why(change, message):
    anchors, offsets, logits = head(0, 7, 2)
    arrays = {"anchors": anchors, "offsets": offsets, "logits": logits} | change
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.decode_boxes(**arrays, options=kernels.DecodeOptions(score_threshold=0.5))


def test_refuses_an_extent_of_other_dimensions():
    anchors, offsets, logits = head(0, 7, 2)
    options = kernels.DecodeOptions(score_threshold=0.5, extent=(4, 4, 4))
    with pytest.raises(ValueError, match="extent must have 2 sizes for these anchors, got 3"):
        kernels.decode_boxes(anchors, offsets, logits, options)


@pytest.mark.parametrize("wrong", [{"top": -1}, {"score_threshold": 2}, {"max_log_size": np.nan}])
def test_options_are_checked_when_they_are_made(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kernels.DecodeOptions(**{"score_threshold": 0.5, **wrong})
