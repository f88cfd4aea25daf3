"""A tile of a volume is what NumPy makes of it slice by slice, bit for bit, on every target."""

from dataclasses import replace

import numpy as np
import pytest

from sdk import kernels
from sdk.kernels import TileCut

SHAPE = (7, 20, 18)
CUT = TileCut(origin=(0, 0, 0), slices=15, slice_ratio=6 / 14, window=(20.0, 110.0))
BOX = ((1, 2, 3), (5, 17, 14))


def volume(dtype=np.uint8):
    random = np.random.default_rng(0)
    swi = random.uniform(0, 130, SHAPE).astype(np.float32)
    phase = random.uniform(-4, 4, SHAPE).astype(np.float32)
    return swi, phase, (random.random(SHAPE) < 0.7).astype(dtype)


def naive(swi, phase, brain, size, cut):
    """Every slice with its share, added to a tile without brain."""
    low, high = cut.window
    tile = np.zeros((2, *size), np.float32)
    tile[1] = 0.5
    seen = np.clip((swi - np.float32(low)) / np.float32(high - low), 0, 1)
    turn = np.clip(phase / np.float32(2 * np.pi) + np.float32(0.5), 0, 1)
    seen, turn = np.where(brain, seen, np.float32(0)), np.where(brain, turn, np.float32(0.5))
    for k, y, x in np.ndindex(*size):
        fine = cut.origin[0] + k
        if not 0 <= fine < cut.slices:
            continue
        position = fine * cut.slice_ratio
        part = np.float32(position - int(position))
        for z, share in ((int(position), np.float32(1) - part), (int(position) + 1, part)):
            at = (z, cut.origin[1] + y, cut.origin[2] + x)
            there = tuple(np.subtract(at, cut.first).tolist())
            if share == 0 or not all(0 <= i < n for i, n in zip(there, swi.shape, strict=True)):
                continue
            tile[0, k, y, x] += share * seen[there]
            if cut.slice_ratio == 1.0:
                tile[1, k, y, x] = turn[there]
            else:
                tile[1, k, y, x] += share * (turn[there] - np.float32(0.5))
    return tile


def coordinates(size, cut):
    (first, last) = np.array(cut.box)
    at = np.indices(size) + np.array(cut.origin).reshape(3, 1, 1, 1)
    span = np.maximum(last - first, 1).reshape(3, 1, 1, 1)
    return (2 * (at - first.reshape(3, 1, 1, 1)) / span - 1).astype(np.float32)


def cut_out(device, part, size, cut):
    out = device.put(np.full((5 if cut.box else 2, *size), 9, np.float32))
    assert kernels.cut_tile(*map(device.put, part), out, cut) is out
    return device.get(out)


PLACES = {
    "inside": ((2, 3, 4), (6, 8, 9)),
    "all of it": ((0, 0, 0), (15, 20, 18)),
    "over the last slice": ((11, 3, 4), (8, 8, 9)),
    "over the end of rows and columns": ((2, 15, 11), (6, 8, 9)),
    "before the first voxel": ((-2, -3, -4), (6, 8, 9)),
    "around all of it": ((-1, -1, -1), (18, 23, 21)),
    "beside it": ((2, 25, 4), (6, 8, 9)),
    "behind it": ((16, 3, 4), (6, 8, 9)),
}


@pytest.mark.parametrize(("origin", "size"), PLACES.values(), ids=PLACES)
def test_a_tile_holds_what_lies_there(device, origin, size):
    cut, part = replace(CUT, origin=origin), volume()
    np.testing.assert_array_equal(cut_out(device, part, size, cut), naive(*part, size, cut))


@pytest.mark.parametrize(("origin", "size"), PLACES.values(), ids=PLACES)
def test_a_patch_is_not_interpolated_and_tells_its_place(device, origin, size):
    cut = replace(CUT, origin=origin, slices=SHAPE[0], slice_ratio=1.0, box=BOX)
    part = volume(bool)
    out = cut_out(device, part, size, cut)
    np.testing.assert_array_equal(out[:2], naive(*part, size, cut))
    np.testing.assert_array_equal(out[2:], coordinates(size, cut))


def test_a_part_of_the_volume_is_enough(device):
    cut = replace(CUT, origin=(4, 3, 4))
    part, size = volume(), (6, 8, 9)
    expected = cut_out(device, part, size, cut)
    where = np.s_[1:5, 3:11, 4:13]
    less = tuple(np.ascontiguousarray(image[where]) for image in part)
    np.testing.assert_array_equal(
        cut_out(device, less, size, replace(cut, first=(1, 3, 4))), expected
    )


def test_what_is_not_in_the_part_is_not_brain(device):
    part = tuple(np.ascontiguousarray(image[2:4, 5:9, 6:10]) for image in volume())
    cut = replace(CUT, origin=(3, 4, 4), first=(2, 5, 6))
    size = (6, 8, 9)
    out = cut_out(device, part, size, cut)
    np.testing.assert_array_equal(out, naive(*part, size, cut))
    assert not out[0, :, 0].any()
    assert out[0].any()


def test_a_patch_reaches_beyond_the_part_on_every_side(device):
    part = tuple(np.ascontiguousarray(image[2:4, 5:9, 6:10]) for image in volume())
    cut = replace(CUT, origin=(1, 4, 5), first=(2, 5, 6), slices=SHAPE[0], slice_ratio=1.0)
    size = (5, 7, 8)
    np.testing.assert_array_equal(cut_out(device, part, size, cut), naive(*part, size, cut))


@pytest.mark.parametrize("empty", [np.s_[:0], np.s_[:, :0], np.s_[:, :, :0]])
def test_of_nothing_comes_a_tile_without_brain(device, empty):
    part = tuple(np.ascontiguousarray(image[empty]) for image in volume())
    out = cut_out(device, part, (6, 8, 9), replace(CUT, origin=(-1, 0, 0)))
    assert not out[0].any()
    assert (out[1] == 0.5).all()


def test_a_slice_without_a_share_is_not_read(device):
    swi, phase, brain = volume()
    cut, size = replace(CUT, slices=13, slice_ratio=0.5), (1, 20, 18)  # every other is a slice
    expected = cut_out(device, (swi, phase, brain), size, cut)
    swi[1] = phase[1] = np.nan
    np.testing.assert_array_equal(cut_out(device, (swi, phase, brain), size, cut), expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_outside_the_brain_does_not_matter(device, bad):
    swi, phase, brain = volume()
    expected = cut_out(device, (swi, phase, brain), (15, 20, 18), CUT)
    swi, phase = np.where(brain, swi, bad), np.where(brain, phase, bad)
    got = cut_out(device, (np.float32(swi), np.float32(phase), brain), (15, 20, 18), CUT)
    np.testing.assert_array_equal(got, expected)


def test_a_single_slice_stays_one(device):
    part = tuple(image[:1] for image in volume())
    cut = replace(CUT, slices=1, slice_ratio=0.0)
    np.testing.assert_array_equal(
        cut_out(device, part, (4, 20, 18), cut), naive(*part, (4, 20, 18), cut)
    )


def test_views_are_read_and_written_where_they_lie():
    swi, phase, brain = (image[::-1, 2:, 1:] for image in volume())
    larger = np.full((2, 9, 12, 14), 9, np.float32)
    out = larger[:, 1:7, 2:10, 3:12]
    kernels.cut_tile(swi, phase, brain, out, CUT)
    dense = [np.ascontiguousarray(image) for image in (swi, phase, brain)]
    np.testing.assert_array_equal(out, naive(*dense, (6, 8, 9), CUT))
    larger[:, 1:7, 2:10, 3:12] = 9
    assert (larger == 9).all()


def test_every_instruction_set_gives_the_same(cpu_target):
    part, size = volume(), (15, 20, 18)
    out = np.empty((2, *size), np.float32)
    np.testing.assert_array_equal(kernels.cut_tile(*part, out, CUT), naive(*part, size, CUT))


@pytest.mark.parametrize(
    "change",
    [
        {"slices": 2**24},
        {"origin": (-(2**24), 0, 0)},
        {"origin": (2**24, 0, 0)},
        {"origin": (0, 2**24, 0), "first": (0, -(2**24), 0)},
        {"first": (-(2**24), 0, 0), "slice_ratio": 64.0, "slices": 2**24},
        {"first": (2**24, 2**24, 2**24)},
    ],
)
def test_a_tile_far_from_the_part_is_without_brain(device, change):
    cut = replace(CUT, origin=(-20, 0, 0))
    out = cut_out(device, volume(), (6, 20, 18), replace(cut, **change))
    assert not out[0].any()
    assert (out[1] == 0.5).all()


def test_many_rows_behind_the_last_slice_are_none(device):
    part = tuple(np.ones((7, 200, 4), dtype) for dtype in (np.float32, np.float32, np.uint8))
    assert not cut_out(device, part, (6, 200, 4), replace(CUT, origin=(2**24, 0, 0)))[0].any()


def test_the_number_of_slices_does_not_matter_before_the_last(device):
    cut, part, size = replace(CUT, origin=(-5, 0, 0)), volume(), (9, 8, 9)
    expected = cut_out(device, part, size, cut)
    most = replace(cut, slices=2**24)
    np.testing.assert_array_equal(cut_out(device, part, size, most), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": (5.0, 5.0)}, "the width of the window must be finite and positive"),
        ({"slice_ratio": -1.0}, "slice_ratio must be finite and 0 or more"),
        ({"slice_ratio": 1e9}, "slice_ratio must be at most 64"),
        ({"slices": -1}, "slices must be 0 or more"),
        ({"slices": 2**31 - 1}, "slices must be 0 or more and at most"),
        ({"origin": (-(2**31), 0, 0)}, r"origin must lie within 2\^24 voxels"),
        ({"first": (0, 2**31 - 1, 0)}, r"first must lie within 2\^24 voxels"),
    ],
)
def test_refuses_a_cut_that_is_none(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CUT, **change)


def test_refuses_arrays_that_do_not_fit():
    swi, phase, brain = volume()
    out = np.empty((2, 6, 8, 9), np.float32)
    with pytest.raises(ValueError, match="phase must be of the shape of swi"):
        kernels.cut_tile(swi, phase[1:], brain, out, CUT)
    with pytest.raises(TypeError, match="swi"):
        kernels.cut_tile(swi.astype(np.float64), phase, brain, out, CUT)
    with pytest.raises(ValueError, match="2 channels, or 5 where the cut has a box"):
        kernels.cut_tile(swi, phase, brain, out, replace(CUT, box=BOX))
    with pytest.raises(ValueError, match="out must be 4-dimensional"):
        kernels.cut_tile(swi, phase, brain, out[0], CUT)


@pytest.mark.gpu
def test_nothing_is_waited_for(cuda):
    part, out = [cuda.put(image) for image in volume()], cuda.put(np.zeros((2, 6, 8, 9), "f4"))
    before = kernels.device_traffic()
    kernels.cut_tile(*part, out, CUT)
    assert kernels.device_traffic() == before
