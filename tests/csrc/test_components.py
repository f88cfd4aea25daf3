"""Components and their statistics against a flood fill."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from flood import flood, masks, neighbours
from hypothesis import given, settings
from hypothesis import strategies as st

from sdk import kernels

WORKSPACE = kernels.ComponentsWorkspace()
PATIENT = settings(deadline=None, max_examples=60)  # the oracles are slow


def check_statistics(found, labels, values, *, exact=True):
    assert found.count == labels.max(initial=0)
    for i in range(found.count):
        pixels = np.argwhere(labels == i + 1)
        box = [*pixels.min(axis=0), *(pixels.max(axis=0) + 1)]
        assert found.boxes[i].tolist() == box
        assert found.sizes[i] == len(pixels)
        np.testing.assert_array_equal(found.centroids[i], pixels.sum(axis=0) / len(pixels))
        within = values[labels == i + 1]
        total = sum(within.tolist(), 0.0)
        assert found.sums[i] == (total if exact else pytest.approx(total, rel=1e-12))
        assert found.maxima[i] == within.max()


@PATIENT
@given(masks(), st.sampled_from([np.int32, np.uint32]), st.sampled_from([np.uint8, np.float32]))
def test_equals_a_flood_fill(device, case, label_type, value_type):
    mask, connectivity = case
    labels = device.put(np.full(mask.shape, 7, label_type))
    quarters = np.arange(mask.size).reshape(mask.shape) * 37 % 251 / 4
    values = quarters.astype(value_type)
    found = kernels.components(
        device.put(mask),
        connectivity=connectivity,
        labels=labels,
        values=device.put(values),
        workspace=WORKSPACE,
    )
    expected = flood(mask, connectivity)
    np.testing.assert_array_equal(device.get(labels), expected)
    check_statistics(found, expected, values, exact=device.name == "cpu")


def test_every_instruction_set_agrees(cpu_target):
    rng = np.random.default_rng(1)
    for shape, connectivity in (((9, 200), 8), ((9, 200), 4), ((3, 5, 70), 26), ((3, 5, 70), 18)):
        mask, values = rng.random(shape) < 0.4, rng.random(shape, np.float32)
        labels = np.empty(shape, np.int32)
        found = kernels.components(mask, connectivity=connectivity, labels=labels, values=values)
        expected = flood(mask, connectivity)
        np.testing.assert_array_equal(labels, expected)
        check_statistics(found, expected, values)


@pytest.mark.parametrize("columns", [1, 2, 63, 64, 65, 127, 128, 129])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_diagonals_across_words(device, columns, connectivity):
    for shift in range(max(columns - 3, 0), columns + 2):
        mask = np.zeros((4, columns + 3), np.uint8)
        for row, column in enumerate((shift, shift + 1, shift, shift + 1)):
            mask[row, column] = 1
        found = kernels.components(device.put(mask), connectivity=connectivity)
        assert found.count == (1 if connectivity == 8 else 4)


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_touching_along_one_two_or_three_axes(device, connectivity):
    for place, step in product(product((2, 3), repeat=3), product((-1, 0, 1), repeat=3)):
        mask = np.zeros((6, 6, 6), np.uint8)
        mask[place] = mask[tuple(np.add(place, step))] = 1
        one = step == (0, 0, 0) or step in neighbours(3, connectivity)
        found = kernels.components(device.put(mask), connectivity=connectivity)
        assert found.count == (1 if one else 2)


def test_defaults_to_full_connectivity():
    assert kernels.components(np.eye(5, dtype=bool)).count == 1
    volume = np.zeros((3, 3, 3), bool)
    volume[range(3), range(3), range(3)] = True
    assert kernels.components(volume).count == 1


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (0, 4, 4), (4, 0, 4), (4, 4, 0)])
def test_nothing_in_nothing(device, shape):
    mask = device.put(np.zeros(shape, np.uint8))
    found = kernels.components(mask, labels=device.put(np.zeros(shape, np.int32)))
    assert found.count == 0
    assert found.boxes.shape == (0, 2 * mask.ndim)
    assert found.centroids.shape == (0, mask.ndim)
    nothing = kernels.Kept(count=0, pixels=0, removed=0)
    assert kernels.remove_small(mask, 3) == nothing
    assert kernels.keep_largest(mask) == nothing
    assert kernels.fill_holes(mask) == 0


def test_takes_rows_and_slices_in_any_order():
    mask = np.random.default_rng(2).random((6, 10, 40)) < 0.3
    view = mask[::-2, ::3, 4:33]
    labels = np.zeros((3, 4, 60), np.uint32)[:, :, 1:30]
    kernels.components(view, connectivity=18, labels=labels)
    np.testing.assert_array_equal(labels, flood(view, 18))


def test_nan_stays_and_infinity_counts(device):
    mask = np.array([[1, 1, 0, 1, 1, 0, 1]], np.uint8)
    values = np.array([[1, np.nan, 5, -np.inf, -2, 9, -3]], np.float32)
    found = kernels.components(device.put(mask), values=device.put(values))
    np.testing.assert_array_equal(found.sums, [np.nan, -np.inf, -3])
    np.testing.assert_array_equal(found.maxima, np.array([np.nan, -2, -3], np.float32))


def test_noise_of_more_components_than_there_was_room_for(device):
    mask = np.random.default_rng(4).random((180, 240)) < 0.3
    workspace = kernels.ComponentsWorkspace()
    labels = device.put(np.zeros(mask.shape, np.int32))
    found = kernels.components(device.put(mask), connectivity=4, labels=labels, workspace=workspace)
    again = kernels.components(mask, connectivity=4)
    assert found.count == again.count > 4096
    for table in ("boxes", "sizes", "centroids"):
        np.testing.assert_array_equal(getattr(found, table), getattr(again, table))
    assert np.all(mask == (device.get(labels) > 0))


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
    assert any(answer == count for answer, count in zip(answers, expected, strict=True))
