"""Removing, keeping and filling by component, against a flood fill."""

import numpy as np
import pytest
from flood import flood, masks
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sdk import kernels

WORKSPACE = kernels.ComponentsWorkspace()
PATIENT = settings(deadline=None, max_examples=60)  # the oracles are slow


def without_holes(mask, connectivity):
    """Background that cannot be flooded from a background frame around the mask becomes 1."""
    dual = {4: 8, 8: 4, 6: 26, 18: 6, 26: 6}[connectivity]
    labels = flood(np.pad(mask == 0, 1, constant_values=True), dual)
    return labels[(slice(1, -1),) * mask.ndim] != 1


@PATIENT
@given(masks(), st.integers(0, 12))
def test_removes_what_is_smaller(device, case, min_size):
    mask, connectivity = case
    labels = flood(mask, connectivity)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    expected = np.where(sizes[labels] >= max(min_size, 1), mask, 0)
    mask, out = device.put(mask), device.put(np.full_like(mask, 9))
    kept = kernels.remove_small(mask, min_size, connectivity=connectivity, out=out)
    np.testing.assert_array_equal(device.get(out), expected)
    assert kept.removed == np.count_nonzero(sizes[1:] < min_size)
    assert kept.count == len(sizes) - 1 - kept.removed
    assert kept.pixels == np.count_nonzero(expected)
    kernels.remove_small(mask, min_size, connectivity=connectivity, workspace=WORKSPACE)
    np.testing.assert_array_equal(device.get(mask), expected)


@PATIENT
@given(masks(), st.integers(0, 12))
def test_removing_without_a_wait_is_the_same(device, case, min_size):
    mask, connectivity = case
    expected = mask.copy()
    kept = kernels.remove_small(expected, min_size, connectivity=connectivity)
    mask, counts = device.put(mask), device.put(np.full(3, -1, np.int64))
    kernels.queue_remove_small(
        mask, min_size, counts=counts, connectivity=connectivity, workspace=WORKSPACE
    )
    np.testing.assert_array_equal(device.get(mask), expected)
    assert tuple(device.get(counts)) == (kept.count, kept.pixels, kept.removed)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_there_is_room_for_as_many_components_as_a_mask_can_have(device, connectivity):
    mask = np.zeros((9, 9), np.uint8)
    mask[::2, ::2] = 1
    if connectivity == 4:
        mask[1::2, 1::2] = 1  # a chessboard
    counts, most = device.put(np.zeros(3, np.int64)), int(mask.sum())
    kernels.queue_remove_small(device.put(mask), 1, counts=counts, connectivity=connectivity)
    assert tuple(device.get(counts)) == (most, most, 0)


def test_removing_without_a_wait_needs_a_place_for_its_numbers(device):
    mask = device.put(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"counts must be \(3,\): components, their pixels"):
        kernels.queue_remove_small(mask, 1, counts=device.put(np.zeros(2, np.int64)))
    with pytest.raises(ValueError, match="must not be negative"):
        kernels.queue_remove_small(mask, -1, counts=device.put(np.zeros(3, np.int64)))


@pytest.mark.parametrize(
    "size",
    [
        2**63,
        kernels.PhysicalSize(min_size_mm=1e19, spacing_mm=(0.5, 0.5)),
        kernels.PhysicalSize(min_size_mm=1.0, spacing_mm=(1e-200, 1e-200)),
    ],
)
def test_no_component_reaches_a_size_beyond_counting(size):
    mask = np.ones((3, 4), np.uint8)
    assert kernels.remove_small(mask, size) == kernels.Kept(count=0, pixels=0, removed=1)


@pytest.mark.gpu
def test_removing_without_a_wait_does_not_wait(cuda):
    mask, counts = cuda.put(np.ones((64, 64), np.uint8)), cuda.put(np.zeros(3, np.int64))
    workspace = kernels.ComponentsWorkspace()

    def work():
        kernels.queue_remove_small(mask, 4, counts=counts, workspace=workspace)

    work()
    before = kernels.device_traffic()
    work()
    assert kernels.device_traffic() == before


@PATIENT
@given(masks(), st.integers(0, 5))
def test_keeps_the_largest_and_of_equal_ones_the_first(device, case, k):
    mask, connectivity = case
    labels = flood(mask, connectivity)
    order = np.argsort(-np.bincount(labels.ravel())[1:], kind="stable") + 1
    expected = np.where(np.isin(labels, order[:k]), mask, 0)
    mask = device.put(mask)
    kept = kernels.keep_largest(mask, k, connectivity=connectivity, workspace=WORKSPACE)
    np.testing.assert_array_equal(device.get(mask), expected)
    assert kept.removed == max(len(order) - k, 0)
    assert kept.count == min(len(order), k)
    assert kept.pixels == np.count_nonzero(expected)


@PATIENT
@given(masks())
@example((np.ones((1, 3, 3), np.uint8) - np.eye(3, dtype=np.uint8)[1], 26))
def test_fills_what_cannot_be_reached_from_outside(device, case):
    mask, connectivity = case
    expected = without_holes(mask, connectivity)
    dual = {4: 8, 8: 4, 6: 26, 18: 6, 26: 6}[connectivity]
    holes = flood(expected & (mask == 0), dual).max(initial=0)
    given, out = device.put(mask.copy()), device.put(np.full_like(mask, 9))
    assert kernels.fill_holes(given, connectivity=connectivity, out=out) == holes
    filled = device.get(out)
    np.testing.assert_array_equal(filled != 0, expected)
    np.testing.assert_array_equal(filled[mask != 0], mask[mask != 0])
    kernels.fill_holes(given, connectivity=connectivity, workspace=WORKSPACE)
    np.testing.assert_array_equal(device.get(given), filled)


def test_what_is_beside_a_view_stays():
    mask = np.random.default_rng(3).random((20, 100)) < 0.5
    before = mask.copy()
    kernels.remove_small(mask[5:15, 10:90], 10**6)
    assert not mask[5:15, 10:90].any()
    mask[5:15, 10:90] = before[5:15, 10:90]
    np.testing.assert_array_equal(mask, before)


def test_sizes_of_the_patient():
    mask = np.zeros((3, 4, 9), np.uint8)
    mask[0, 0, :3] = mask[2, 2, 4:8] = 1
    size = kernels.PhysicalSize(min_size_mm=0.4, spacing_mm=(1.0, 0.5, 0.2))
    assert size.pixels(3) == 4
    assert kernels.remove_small(mask, size) == kernels.Kept(count=1, pixels=4, removed=1)
    assert mask.sum() == 4
    exact = kernels.PhysicalSize(min_size_mm=0.3, spacing_mm=(0.1, 1.0))
    assert exact.pixels(2) == 3


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
