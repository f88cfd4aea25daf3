"""Anatomical filtering against measuring the distance of every voxel to every candidate."""

from dataclasses import replace

import numpy as np
import pytest
from devices import Cpu
from hypothesis import given
from hypothesis import strategies as st

from sdk import kernels
from sdk.kernels import AnatomicalFilter, RegionReason

TOLERANCE = 1e-4  # voxels, as the kernel states


def grid_around(low, high, reach):
    axes = [
        np.arange(np.floor(a - r) - 1, np.ceil(b + r) + 2)
        for a, b, r in zip(low, high, reach, strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(low)).astype(int)


def extent(candidate, regions, options):
    """Every voxel of the candidate's extent, inside the volume or not."""
    d = regions.ndim
    spacing = np.array(options.spacing_mm or (1.0,) * d)
    low, high = candidate[:d].astype(float), candidate[-d:].astype(float)
    if options.unit == "mm":
        low, high = low / spacing, high / spacing
    voxels = grid_around(low, high, options.margin_mm / spacing)
    gaps = np.maximum(0, np.maximum(low - TOLERANCE - voxels, voxels - high - TOLERANCE))
    near = np.sum((gaps * spacing) ** 2, 1) <= options.margin_mm**2
    centre = np.floor((low + high) / 2 + 0.5)
    return voxels[near | (voxels == centre).all(1)]


def judge(candidate, regions, options):
    """Returns reason, region and overlap."""
    d = regions.ndim
    if not (np.isfinite(candidate).all() and (candidate[:d] <= candidate[-d:]).all()):
        return RegionReason.INVALID_CANDIDATE, 0, 0.0
    voxels = extent(candidate, regions, options)
    inside = voxels[((voxels >= 0) & (voxels < regions.shape)).all(1)]
    labels = regions[tuple(inside.T)]
    votes = np.bincount(labels[labels > 0], minlength=256)
    region = int(np.argmax(votes))
    overlap = votes.sum() / len(voxels)
    if len(inside) == 0:
        reason = RegionReason.OUTSIDE_VOLUME
    elif votes.sum() == 0:
        reason = RegionReason.OUTSIDE_REGIONS
    elif overlap < options.min_overlap:
        reason = RegionReason.SMALL_OVERLAP
    elif options.allowed is not None and region not in options.allowed:
        reason = RegionReason.EXCLUDED_REGION
    else:
        reason = RegionReason.KEPT
    return reason, region, overlap


def check(candidates, regions, options, device=None):
    device = device or Cpu()
    on_device = kernels.anatomical_filter(device.put(candidates), device.put(regions), options)
    names = ("kept", "region", "reason", "overlap")
    filtered = replace(on_device, **{name: device.get(getattr(on_device, name)) for name in names})
    reason, region, overlap = zip(*(judge(c, regions, options) for c in candidates), strict=True)
    np.testing.assert_array_equal(filtered.reason, reason)
    np.testing.assert_array_equal(filtered.region, region)
    np.testing.assert_allclose(filtered.overlap, overlap, rtol=1e-6)
    np.testing.assert_array_equal(filtered.kept, np.array(reason) == RegionReason.KEPT)
    return filtered


def blocks(seed, shape):
    """Regions 0 to 4 in blocks of a few voxels."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 5, [-(-size // 5) for size in shape]).astype(np.uint8)
    for axis, size in enumerate(shape):
        small = np.take(np.repeat(small, 5, axis), range(size), axis)
    return np.ascontiguousarray(small)


def boxes_around(seed, n, shape):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-6, np.array(shape) + 3, (n, len(shape)))
    return np.concatenate([low, low + rng.uniform(0, 9, low.shape)], 1).astype(np.float32)


@pytest.mark.parametrize("shape", [(23, 31), (11, 23, 31)])
@pytest.mark.parametrize("margin_mm", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("unit", ["voxel", "mm"])
def test_equals_measuring_every_voxel(device, shape, margin_mm, unit):
    spacing = (2.0, 0.5, 0.7)[-len(shape) :]
    candidates = boxes_around(len(shape), 60, shape)
    if unit == "mm":
        candidates *= np.tile(np.float32(spacing), 2)
    options = AnatomicalFilter(
        allowed=(1, 3, 4), margin_mm=margin_mm, spacing_mm=spacing, unit=unit, min_overlap=0.6
    )
    filtered = check(candidates, blocks(1, shape), options, device)
    assert len(set(filtered.reason.tolist())) >= 3


@pytest.mark.parametrize("shape", [(23, 31), (11, 23, 31)])
@pytest.mark.parametrize("margin_mm", [0.0, 2.0])
def test_a_centroid_is_a_ball_of_the_margin(device, shape, margin_mm):
    centroids = boxes_around(7, 80, shape)[:, : len(shape)]
    spacing = (2.0, 0.5, 0.5)[-len(shape) :]
    options = AnatomicalFilter(margin_mm=margin_mm, spacing_mm=spacing)
    check(np.ascontiguousarray(centroids), blocks(2, shape), options, device)


def test_a_centroid_without_a_margin_is_judged_by_its_voxel():
    regions = np.zeros((3, 4, 5), np.uint8)
    regions[1, 2, 3] = 7
    centroids = np.array([[1.4, 1.6, 3.4], [1.4, 1.4, 3.4], [-0.6, 2, 3]], np.float32)
    filtered = kernels.anatomical_filter(centroids, regions)
    np.testing.assert_array_equal(filtered.region, [7, 0, 0])
    expected = [RegionReason.KEPT, RegionReason.OUTSIDE_REGIONS, RegionReason.OUTSIDE_VOLUME]
    np.testing.assert_array_equal(filtered.reason, expected)


@given(st.data())
def test_equals_measuring_every_voxel_on_lattices_and_odd_values(device, data):
    shape = data.draw(st.sampled_from([(1, 1), (1, 9), (7, 5), (2, 3, 4)]))
    regions = np.array(
        data.draw(st.lists(st.integers(0, 2), min_size=120, max_size=120)), np.uint8
    )[: np.prod(shape)].reshape(shape)
    value = st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.5, 9.0, np.nan, np.inf])
    width = data.draw(st.sampled_from([1, 2])) * len(shape)
    row = st.lists(value, min_size=width, max_size=width)
    candidates = np.array(data.draw(st.lists(row, min_size=1, max_size=4)), np.float32)
    margin = data.draw(st.sampled_from([0.0, 0.5, 1.0, 1.5]))
    options = AnatomicalFilter(allowed=[2], margin_mm=margin, spacing_mm=(1.0,) * len(shape))
    check(candidates, regions, options, device)


def test_a_decimal_margin_reaches_the_voxel_it_names():
    regions = np.zeros((1, 9), np.uint8)
    regions[0, 7] = 1
    options = AnatomicalFilter(margin_mm=0.3, spacing_mm=(0.1, 0.1), min_overlap=0.0)
    filtered = kernels.anatomical_filter(np.array([[0, 4]], np.float32), regions, options)
    assert filtered.reason[0] == RegionReason.KEPT


def test_of_two_regions_that_share_a_candidate_the_lower_label_wins():
    regions = np.array([[9, 9, 4, 4]], np.uint8)
    filtered = kernels.anatomical_filter(np.array([[0, 0, 0, 3]], np.float32), regions)
    assert filtered.region[0] == 4
    assert filtered.overlap[0] == 1


def test_long_rows_of_one_label_are_counted_whole():
    for length in range(1, 40):
        regions = np.full((1, 64), 3, np.uint8)
        regions[0, 20 : 20 + length] = 255
        check(np.array([[0, 0, 0, 63]], np.float32), regions, AnatomicalFilter())


def test_a_region_that_is_not_allowed_still_counts_as_overlap():
    regions = np.array([[1, 1, 1, 0]], np.uint8)
    candidate = np.array([[0, 0, 0, 3]], np.float32)
    excluded = kernels.anatomical_filter(candidate, regions, AnatomicalFilter(allowed=[2]))
    assert excluded.reason[0] == RegionReason.EXCLUDED_REGION
    too_little = kernels.anatomical_filter(candidate, regions, AnatomicalFilter(min_overlap=0.8))
    assert too_little.reason[0] == RegionReason.SMALL_OVERLAP
    np.testing.assert_array_equal(too_little.overlap, [0.75])


def test_a_candidate_larger_than_any_image_is_invalid_and_costs_nothing():
    regions = np.ones((4, 4, 4), np.uint8)
    candidates = np.array([[-1e5, -1e5, 0, 1e5, 1e5, 1], [0, 0, -1e9, 1, 1, 1e9]], np.float32)
    filtered = kernels.anatomical_filter(candidates, regions)
    np.testing.assert_array_equal(filtered.reason, [RegionReason.INVALID_CANDIDATE] * 2)


def test_every_reason_of_the_kernel_has_its_name():
    assert sorted(RegionReason) == list(range(6))


def test_writes_to_the_memory_it_is_given():
    regions = np.ones((4, 4), np.uint8)
    out = kernels.FilteredCandidates.empty(2)
    given = kernels.anatomical_filter(np.zeros((2, 4), np.float32), regions, out=out)
    assert given is out
    np.testing.assert_array_equal(out.kept, [1, 1])


@pytest.mark.parametrize("shape", [(10, 12), (3, 10, 12)])
def test_a_margin_beyond_any_image_reaches_all_of_it(device, shape):
    spacing = (1e9, 1e9, 1.0)[-len(shape) :]  # few rows, each longer than an int counts
    options = AnatomicalFilter(margin_mm=3e9, spacing_mm=spacing, min_overlap=0)
    centre = device.put(np.full((1, len(shape)), 2, np.float32))
    filtered = kernels.anatomical_filter(centre, device.put(np.ones(shape, np.uint8)), options)
    assert device.get(filtered.reason)[0] == RegionReason.KEPT
    assert 0 < device.get(filtered.overlap)[0] < 1e-3


def test_reads_a_part_of_a_larger_volume():
    regions = blocks(3, (12, 30, 40))[2:9, 3:25, 5:33]
    check(boxes_around(5, 40, regions.shape), regions, AnatomicalFilter())


def test_no_candidates_give_empty_arrays():
    filtered = kernels.anatomical_filter(np.empty((0, 6), np.float32), np.ones((2, 2, 2), np.uint8))
    assert filtered.kept.shape == (0,)


@pytest.mark.parametrize(
    ("candidates", "regions", "message"),
    [
        (np.zeros((1, 6)), np.ones((2, 2, 2), np.uint8), "candidates must be float32, got float64"),
        (np.zeros((1, 4), np.float32), np.ones((2, 2, 2), np.uint8), r"\(n, 3\) centroids or"),
        (np.zeros((1, 4), np.float32), np.ones((2, 2), np.int32), "regions must be uint8"),
        (np.zeros((1, 4), np.float32), np.ones(2, np.uint8), "regions must be a .* frame mask"),
    ],
)
def test_refuses_and_says_why(candidates, regions, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.anatomical_filter(candidates, regions)


def test_refuses_a_spacing_or_memory_of_another_size():
    candidates, regions = np.zeros((2, 6), np.float32), np.ones((2, 2, 2), np.uint8)
    options = AnatomicalFilter(spacing_mm=(1.0, 1.0))
    with pytest.raises(ValueError, match="spacing_mm must have 3 values"):
        kernels.anatomical_filter(candidates, regions, options)
    out = kernels.FilteredCandidates.empty(3)
    with pytest.raises(ValueError, match=r"out\.kept must hold one value per candidate"):
        kernels.anatomical_filter(candidates, regions, out=out)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"margin_mm": 1.0}, "spacing_mm must be given"),
        ({"unit": "mm"}, "spacing_mm must be given"),
        ({"unit": "cm"}, "unit must be one of voxel, mm"),
        ({"allowed": [0]}, "allowed must hold labels from 1 to 255"),
        ({"min_overlap": 1.5}, "min_overlap must be from 0 to 1"),
        ({"margin_mm": -1.0}, "margin_mm must be finite and 0 or more"),
        ({"spacing_mm": (1.0, 0.0)}, "spacing_mm must be finite and positive"),
    ],
)
def test_options_are_checked_when_they_are_made(wrong, message):
    with pytest.raises(ValueError, match=message):
        AnatomicalFilter(**wrong)
