"""Centrelines against naive thinning, and what every centreline must keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from sdk import kernels

MASKS = arrays(
    np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=80), elements=st.integers(0, 1)
)
EIGHT = np.ones((3, 3))


def half_step(image, first):
    """The deletions of one half step, as Guo and Hall write them."""
    p = np.pad(image, 1).astype(bool)
    p2, p6 = p[:-2, 1:-1], p[2:, 1:-1]
    p8, p4 = p[1:-1, :-2], p[1:-1, 2:]
    p9, p3, p7, p5 = p[:-2, :-2], p[:-2, 2:], p[2:, :-2], p[2:, 2:]
    turns = [~p2 & (p3 | p4), ~p4 & (p5 | p6), ~p6 & (p7 | p8), ~p8 & (p9 | p2)]
    n1 = np.sum([p9 | p2, p3 | p4, p5 | p6, p7 | p8], 0)
    n2 = np.sum([p2 | p3, p4 | p5, p6 | p7, p8 | p9], 0)
    n = np.minimum(n1, n2)
    side = (p2 | p3 | ~p5) & p4 if first else (p6 | p7 | ~p9) & p8
    return image.astype(bool) & (np.sum(turns, 0) == 1) & (n >= 2) & (n <= 3) & ~side


def naive_thinning(mask):
    image = (mask != 0).astype(np.uint8)
    while True:
        before = image.copy()
        for first in (True, False):
            image[half_step(image, first)] = 0
        if (image == before).all():
            return image


def parts_and_holes(image):
    parts = ndimage.label(image, EIGHT)[1]
    background = ndimage.label(np.pad(image, 1) == 0)[1]
    return parts, background - 1


def vessels(seed, shape=(160, 200)):
    """A few tubes of several widths that cross, joined with a disc."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    mask = (rows - 40) ** 2 + (columns - 50) ** 2 < 14**2
    for _ in range(5):
        a, b = rng.uniform(0, 1, (2, 2)) * shape
        t = np.clip(
            ((rows - a[0]) * (b - a)[0] + (columns - a[1]) * (b - a)[1]) / ((b - a) @ (b - a)), 0, 1
        )
        gap = np.hypot(rows - a[0] - t * (b - a)[0], columns - a[1] - t * (b - a)[1])
        mask |= gap < rng.uniform(0.7, 6)
    return mask.astype(np.uint8)


def exact_radius(mask, points, spacing=(1.0, 1.0)):
    background = np.argwhere(mask == 0) * spacing
    if not len(background):
        return np.full(len(points), np.inf)
    gaps = (points * spacing)[:, None] - background[None]
    return np.sqrt((gaps**2).sum(-1).min(1))


@given(MASKS)
def test_equals_naive_thinning(mask):
    thinned = kernels.centreline(mask)
    np.testing.assert_array_equal(thinned.skeleton, naive_thinning(mask))
    np.testing.assert_array_equal(thinned.points, np.argwhere(thinned.skeleton))
    assert parts_and_holes(thinned.skeleton) == parts_and_holes(mask)


@pytest.mark.parametrize("columns", [1, 63, 64, 65, 127, 128, 129, 200])
@pytest.mark.parametrize("density", [0.3, 0.6, 0.9, 1.0])
def test_equals_naive_thinning_where_words_meet(cpu_target, columns, density):
    mask = (np.random.default_rng(columns).uniform(size=(50, columns)) < density).astype(np.uint8)
    expected = naive_thinning(mask)
    np.testing.assert_array_equal(kernels.centreline(mask).skeleton, expected)


@pytest.mark.parametrize("seed", range(3))
def test_vessels_equal_naive_thinning_with_exact_radius(cpu_target, seed):
    mask = vessels(seed)
    line = kernels.centreline(mask, pixel_spacing_mm=(0.31, 0.2))
    np.testing.assert_array_equal(line.skeleton, naive_thinning(mask))
    expected = ndimage.distance_transform_edt(mask, sampling=(0.31, 0.2))
    np.testing.assert_allclose(line.radius, expected[tuple(line.points.T)], rtol=1e-6)
    assert line.unit == "mm"


@given(MASKS, st.sampled_from([(1.0, 1.0), (0.2, 3.0), (5.0, 0.1)]))
def test_radius_is_the_distance_to_the_nearest_background_pixel(mask, spacing):
    line = kernels.centreline(mask, pixel_spacing_mm=spacing)
    np.testing.assert_allclose(line.radius, exact_radius(mask, line.points, spacing), rtol=1e-6)


def test_every_image_of_four_by_four_keeps_its_parts_and_holes():
    codes = np.arange(2**16)
    cells = (codes[:, None] >> np.arange(16) & 1).astype(np.uint8).reshape(256, 256, 4, 4)
    mask = np.pad(cells, ((0, 0), (0, 0), (1, 1), (1, 1))).transpose(0, 2, 1, 3).reshape(1536, 1536)
    skeleton = kernels.centreline(mask).skeleton
    for image, other, structure in ((mask, skeleton, EIGHT), (1 - mask, 1 - skeleton, None)):
        np.testing.assert_array_equal(
            parts_per_cell(image, structure), parts_per_cell(other, structure)
        )


def parts_per_cell(image, structure):
    """How many parts begin in each cell of 6 x 6 pixels; the background around them is one part."""
    labels, count = ndimage.label(image, structure)
    _, first = np.unique(labels, return_index=True)
    rows, columns = np.unravel_index(first[1:] if (labels == 0).any() else first, labels.shape)
    assert len(rows) == count
    return np.bincount(rows // 6 * 256 + columns // 6, minlength=2**16)


@pytest.mark.parametrize("width", range(1, 13))
@pytest.mark.parametrize("upright", [False, True])
def test_a_tube_of_any_width_survives_at_its_length(width, upright):
    mask = np.zeros((40, 120), np.uint8)
    mask[10 : 10 + width, 10:110] = 1
    line = kernels.centreline(np.ascontiguousarray(mask.T) if upright else mask)
    skeleton = line.skeleton.T if upright else line.skeleton
    inner = skeleton[:, 10 + width : 110 - width]
    np.testing.assert_array_equal(inner.sum(0), 1)
    radius = line.radius[line.points[:, 0 if upright else 1] == 60]
    np.testing.assert_array_equal(radius, (width + 1) // 2)


def test_cropping_changes_nothing_far_from_the_cut():
    mask = vessels(4, (200, 300))
    whole = kernels.centreline(mask).skeleton
    for top, left in ((0, 0), (13, 40), (30, 77)):
        part = kernels.centreline(mask[top:190, left:290].copy()).skeleton
        far = 40
        np.testing.assert_array_equal(
            part[far:-far, far:-far], whole[top + far : 190 - far, left + far : 290 - far]
        )


def test_lines_one_pixel_wide_and_single_pixels_stay():
    mask = np.zeros((9, 70), np.uint8)
    mask[4, 3:68] = mask[1, 1] = 1
    np.testing.assert_array_equal(kernels.centreline(mask).skeleton, mask)


def test_an_empty_mask_has_no_centreline():
    for shape in ((5, 7), (0, 7), (5, 0), (0, 0)):
        line = kernels.centreline(np.zeros(shape, np.uint8))
        assert line.skeleton.shape == shape
        assert not line.skeleton.any()
        assert line.points.shape == (0, 2)
        assert line.radius.shape == (0,)


def test_a_mask_without_background_has_infinite_radius():
    line = kernels.centreline(np.ones((30, 90), np.uint8))
    assert len(line.points) > 0
    assert np.isinf(line.radius).all()


def test_any_value_but_zero_is_set_and_the_mask_may_be_overwritten():
    mask = vessels(1)
    expected = kernels.centreline(mask.astype(bool)).skeleton
    values = mask * np.random.default_rng(0).integers(1, 256, mask.shape).astype(np.uint8)
    line = kernels.centreline(values, out=values)
    assert line.skeleton is values
    np.testing.assert_array_equal(values, expected)


def test_reads_and_writes_parts_of_larger_images():
    large, out = np.pad(vessels(2), 9)[::-1], np.full((178, 218), 7, np.uint8)
    mask = large[9:-9, 9:-9]
    expected = kernels.centreline(mask.copy())
    line = kernels.centreline(mask, out=out[9:-9, 9:-9])
    np.testing.assert_array_equal(line.skeleton, expected.skeleton)
    np.testing.assert_array_equal(line.radius, expected.radius)
    assert (out[:9] == 7).all()
    assert (out[:, -9:] == 7).all()


def test_a_workspace_leaves_nothing_behind():
    workspace = kernels.CentrelineWorkspace()
    kernels.centreline(np.ones((90, 300), np.uint8), workspace=workspace)
    for mask in (vessels(3), vessels(5, (30, 70)), np.zeros((4, 4), np.uint8)):
        again = kernels.centreline(mask, workspace=workspace)
        fresh = kernels.centreline(mask)
        np.testing.assert_array_equal(again.skeleton, fresh.skeleton)
        np.testing.assert_array_equal(again.radius, fresh.radius)


@pytest.mark.parametrize(
    ("mask", "options", "message"),
    [
        (np.zeros((3, 4), np.float32), {}, "mask must be uint8 or bool, got float32"),
        (np.zeros(3, np.uint8), {}, "mask must be 2-dimensional"),
        (np.zeros((4, 3), np.uint8).T, {}, "last axis is contiguous"),
        (np.zeros((65535, 1), np.uint8), {}, "mask must have fewer than 65535 rows"),
        (np.zeros((3, 4), np.uint8), {"out": np.zeros((3, 5), np.uint8)}, "out must be of the"),
        (np.zeros((3, 4), np.uint8), {"pixel_spacing_mm": (0.2, 0.0)}, "pixel_spacing_mm must be"),
    ],
)
def test_refuses_and_says_why(mask, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.centreline(mask, **options)
