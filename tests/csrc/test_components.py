"""Components, their statistics and editing by component, against a flood fill."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sdk import kernels

WORKSPACE = kernels.ComponentsWorkspace()


def neighbours(ndim, connectivity):
    """The steps to the pixels that touch: those that move along few enough axes at once."""
    axes = {4: 1, 8: 2, 6: 1, 18: 2, 26: 3}[connectivity]
    steps = product((-1, 0, 1), repeat=ndim)
    return [step for step in steps if 0 < sum(map(abs, step)) <= axes]


def flood(mask, connectivity):
    """Labels in the order of the first pixel, found by flooding from it."""
    labels = np.zeros(mask.shape, np.int32)
    steps = neighbours(mask.ndim, connectivity)
    for seed in zip(*np.nonzero(mask), strict=True):
        if labels[seed]:
            continue
        label = labels.max() + 1
        labels[seed] = label
        edge = [seed]
        while edge:
            pixel = edge.pop()
            for step in steps:
                near = tuple(np.add(pixel, step))
                inside = all(0 <= i < n for i, n in zip(near, mask.shape, strict=True))
                if inside and mask[near] and not labels[near]:
                    labels[near] = label
                    edge.append(near)
    return labels


def without_holes(mask, connectivity):
    """Background that cannot be flooded from a background frame around the mask becomes 1."""
    dual = {4: 8, 8: 4, 6: 26, 18: 6, 26: 6}[connectivity]
    labels = flood(np.pad(mask == 0, 1, constant_values=True), dual)
    return labels[(slice(1, -1),) * mask.ndim] != 1


@st.composite
def masks(draw, cells=700):
    ndim = draw(st.sampled_from([2, 3]))
    long = draw(st.sampled_from([1, 5, 20, 63, 64, 65, 128, 131]))
    shape = [draw(st.integers(1, 7)) for _ in range(ndim - 1)] + [long]
    assume(np.prod(shape) <= cells)
    seed, share = (
        draw(st.integers(0, 2**32 - 1)),
        draw(st.sampled_from([0, 0.05, 0.3, 0.6, 0.9, 1])),
    )
    values = np.random.default_rng(seed).integers(1, 256, shape, np.uint8)
    mask = np.where(np.random.default_rng(seed).random(shape) < share, values, 0).astype(np.uint8)
    return mask, draw(st.sampled_from([4, 8] if ndim == 2 else [6, 18, 26]))


def check_statistics(found, labels, values):
    assert found.count == labels.max(initial=0)
    for i in range(found.count):
        pixels = np.argwhere(labels == i + 1)
        box = [*pixels.min(axis=0), *(pixels.max(axis=0) + 1)]
        assert found.boxes[i].tolist() == box
        assert found.sizes[i] == len(pixels)
        np.testing.assert_array_equal(found.centroids[i], pixels.sum(axis=0) / len(pixels))
        within = values[labels == i + 1]
        assert found.sums[i] == sum(within.tolist(), 0.0)
        assert found.maxima[i] == within.max()


@given(masks(), st.sampled_from([np.int32, np.uint32]), st.sampled_from([np.uint8, np.float32]))
def test_equals_a_flood_fill(case, label_type, value_type):
    mask, connectivity = case
    labels = np.full(mask.shape, 7, label_type)
    values = (np.arange(mask.size) * 37 % 251).reshape(mask.shape).astype(value_type) / value_type(
        1
    )
    values = values.astype(value_type)
    found = kernels.components(
        mask, connectivity=connectivity, labels=labels, values=values, workspace=WORKSPACE
    )
    expected = flood(mask, connectivity)
    np.testing.assert_array_equal(labels, expected)
    check_statistics(found, expected, values)


@given(masks(), st.integers(0, 12))
def test_removes_what_is_smaller(case, min_size):
    mask, connectivity = case
    labels = flood(mask, connectivity)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    expected = np.where(sizes[labels] >= max(min_size, 1), mask, 0)
    out = np.full_like(mask, 9)
    removed = kernels.remove_small(mask, min_size, connectivity=connectivity, out=out)
    np.testing.assert_array_equal(out, expected)
    assert removed == np.count_nonzero(sizes[1:] < min_size)
    kernels.remove_small(mask, min_size, connectivity=connectivity, workspace=WORKSPACE)
    np.testing.assert_array_equal(mask, expected)


@given(masks(), st.integers(0, 5))
def test_keeps_the_largest_and_of_equal_ones_the_first(case, k):
    mask, connectivity = case
    labels = flood(mask, connectivity)
    order = np.argsort(-np.bincount(labels.ravel())[1:], kind="stable") + 1
    expected = np.where(np.isin(labels, order[:k]), mask, 0)
    removed = kernels.keep_largest(mask, k, connectivity=connectivity, workspace=WORKSPACE)
    np.testing.assert_array_equal(mask, expected)
    assert removed == max(len(order) - k, 0)


@given(masks())
@example((np.ones((1, 3, 3), np.uint8) - np.eye(3, dtype=np.uint8)[1], 26))
def test_fills_what_cannot_be_reached_from_outside(case):
    mask, connectivity = case
    expected = without_holes(mask, connectivity)
    dual = {4: 8, 8: 4, 6: 26, 18: 6, 26: 6}[connectivity]
    holes = flood(expected & (mask == 0), dual).max(initial=0)
    out = np.full_like(mask, 9)
    assert kernels.fill_holes(mask, connectivity=connectivity, out=out) == holes
    np.testing.assert_array_equal(out != 0, expected)
    np.testing.assert_array_equal(out[mask != 0], mask[mask != 0])
    kernels.fill_holes(mask, connectivity=connectivity, workspace=WORKSPACE)
    np.testing.assert_array_equal(mask, out)


def test_every_instruction_set_agrees(cpu_target):
    rng = np.random.default_rng(1)
    for shape, connectivity in (((9, 200), 8), ((9, 200), 4), ((3, 5, 70), 26), ((3, 5, 70), 18)):
        mask = rng.random(shape) < 0.4
        labels = np.empty(shape, np.int32)
        kernels.components(mask, connectivity=connectivity, labels=labels)
        np.testing.assert_array_equal(labels, flood(mask, connectivity))


@pytest.mark.parametrize("columns", [1, 2, 63, 64, 65, 127, 128, 129])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_diagonals_across_words(columns, connectivity):
    for shift in range(max(columns - 3, 0), columns + 2):
        mask = np.zeros((4, columns + 3), np.uint8)
        for row, column in enumerate((shift, shift + 1, shift, shift + 1)):
            mask[row, column] = 1
        found = kernels.components(mask, connectivity=connectivity)
        assert found.count == (1 if connectivity == 8 else 4)


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_touching_along_one_two_or_three_axes(connectivity):
    for place, step in product(product((2, 3), repeat=3), product((-1, 0, 1), repeat=3)):
        mask = np.zeros((6, 6, 6), np.uint8)
        mask[place] = mask[tuple(np.add(place, step))] = 1
        one = step == (0, 0, 0) or step in neighbours(3, connectivity)
        assert kernels.components(mask, connectivity=connectivity).count == (1 if one else 2)


def test_defaults_to_full_connectivity():
    assert kernels.components(np.eye(5, dtype=bool)).count == 1
    volume = np.zeros((3, 3, 3), bool)
    volume[range(3), range(3), range(3)] = True
    assert kernels.components(volume).count == 1


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (0, 4, 4), (4, 0, 4), (4, 4, 0)])
def test_nothing_in_nothing(shape):
    mask = np.zeros(shape, np.uint8)
    found = kernels.components(mask, labels=np.zeros(shape, np.int32))
    assert found.count == 0
    assert found.boxes.shape == (0, 2 * mask.ndim)
    assert found.centroids.shape == (0, mask.ndim)
    edits = (kernels.remove_small(mask, 3), kernels.keep_largest(mask), kernels.fill_holes(mask))
    assert edits == (0, 0, 0)


def test_takes_rows_and_slices_in_any_order():
    mask = np.random.default_rng(2).random((6, 10, 40)) < 0.3
    view = mask[::-2, ::3, 4:33]
    labels = np.zeros((3, 4, 60), np.uint32)[:, :, 1:30]
    kernels.components(view, connectivity=18, labels=labels)
    np.testing.assert_array_equal(labels, flood(view, 18))


def test_what_is_beside_a_view_stays():
    mask = np.random.default_rng(3).random((20, 100)) < 0.5
    before = mask.copy()
    kernels.remove_small(mask[5:15, 10:90], 10**6)
    assert not mask[5:15, 10:90].any()
    mask[5:15, 10:90] = before[5:15, 10:90]
    np.testing.assert_array_equal(mask, before)


def test_nan_stays_and_infinity_counts():
    mask = np.array([[1, 1, 0, 1, 1, 0, 1]], np.uint8)
    values = np.array([[1, np.nan, 5, -np.inf, -2, 9, -3]], np.float32)
    found = kernels.components(mask, values=values)
    np.testing.assert_array_equal(found.sums, [np.nan, -np.inf, -3])
    np.testing.assert_array_equal(found.maxima, np.array([np.nan, -2, -3], np.float32))


def test_sizes_of_the_patient():
    mask = np.zeros((3, 4, 9), np.uint8)
    mask[0, 0, :3] = mask[2, 2, 4:8] = 1
    size = kernels.PhysicalSize(min_size_mm=0.4, spacing_mm=(1.0, 0.5, 0.2))
    assert size.pixels(3) == 4
    assert kernels.remove_small(mask, size) == 1
    assert mask.sum() == 4
    exact = kernels.PhysicalSize(min_size_mm=0.3, spacing_mm=(0.1, 1.0))
    assert exact.pixels(2) == 3


def test_more_pixels_than_a_signed_integer_counts():
    plane = np.zeros((2048, 2048), np.uint8)
    plane[2047, 100:200] = 1
    mask = np.broadcast_to(plane, (513, 2048, 2048))
    found = kernels.components(mask)
    assert mask.size > 2**31
    assert found.count == 1
    assert found.boxes.tolist() == [[0, 2047, 100, 513, 2048, 200]]
    assert found.centroids.tolist() == [[256.0, 2047.0, 149.5]]


@pytest.mark.parametrize(
    ("mask", "options", "message"),
    [
        (np.zeros((3, 4), np.int32), {}, "mask must be uint8 or bool, got int32"),
        (np.zeros(3, np.uint8), {}, "mask must be 2- or 3-dimensional, got uint8 \\(3,\\)"),
        (np.zeros((4, 3), np.uint8).T, {}, "last axis is contiguous"),
        ([[1]], {}, "mask must be an array"),
        (np.zeros((3, 4), np.uint8), {"connectivity": 6}, "must be 4 or 8 for a 2-D mask, got 6"),
        (np.zeros((3, 4, 5), bool), {"connectivity": 8}, "must be 6, 18 or 26 for a 3-D .* got 8"),
        (
            np.zeros((3, 4), bool),
            {"connectivity": "8"},
            "connectivity must be an integer or None, got '8'",
        ),
        (
            np.zeros((3, 4), bool),
            {"labels": np.zeros((3, 5), np.int32)},
            "labels must be of the sh",
        ),
        (
            np.zeros((3, 4), bool),
            {"labels": np.zeros((3, 4), np.int64)},
            "int32 or uint32, got int64",
        ),
        (np.zeros((3, 4), bool), {"values": np.zeros((3, 4))}, "float32 or uint8, got float64"),
        (
            np.zeros((3, 4), bool),
            {"values": np.zeros((4, 4), np.uint8)},
            "values must be of the sh",
        ),
        (np.zeros((3, 4), bool), {"workspace": "mine"}, "workspace must be a ComponentsWorkspace"),
    ],
)
def test_refuses_and_says_why(mask, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.components(mask, **options)


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda mask: kernels.remove_small(mask, -1), "min_size must not be negative, got -1"),
        (lambda mask: kernels.remove_small(mask, 1.5), "integer"),
        (lambda mask: kernels.keep_largest(mask, -1), "k must not be negative, got -1"),
        (
            lambda mask: kernels.fill_holes(mask, out=np.zeros((4, 4), bool)),
            "out must be of the sh",
        ),
        (
            lambda mask: kernels.fill_holes(mask, out=np.zeros((3, 4), "f4")),
            "out must be uint8 or bool",
        ),
        (lambda mask: kernels.fill_holes(mask, connectivity=26), "4 or 8 for a 2-D mask"),
        (lambda mask: kernels.PhysicalSize(min_size_mm=1, spacing_mm=(1,)).pixels(2), "2 positive"),
        (
            lambda mask: kernels.PhysicalSize(min_size_mm=1, spacing_mm=(1, 0)).pixels(2),
            "2 positive",
        ),
        (
            lambda mask: kernels.PhysicalSize(min_size_mm=-1, spacing_mm=(1, 1)).pixels(2),
            "min_size_mm",
        ),
    ],
)
def test_refuses_edits_and_says_why(refused, message):
    with pytest.raises((TypeError, ValueError), match=message):
        refused(np.zeros((3, 4), np.uint8))


def test_refuses_to_write_to_read_only_memory():
    mask = np.zeros((3, 4), np.uint8)
    mask.flags.writeable = False
    with pytest.raises(ValueError, match="mask must be writable"):
        kernels.remove_small(mask, 2)


def test_a_workspace_serves_one_thread_at_a_time():
    masks = [np.random.default_rng(i).random((300, 300)) < 0.5 for i in range(4)]
    workspace = kernels.ComponentsWorkspace()

    def work(mask):
        try:
            return kernels.components(mask, workspace=workspace).count
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(work, masks * 20))
    expected = [kernels.components(mask).count for mask in masks] * 20
    for answer, count in zip(answers, expected, strict=True):
        assert answer == count or "workspace must be idle" in answer
