"""The cores of the tiles share a volume out."""

import numpy as np
import pytest

from sdk.tasks.tiles import plan_tiles

SIZE = (128, 128, 128)


@pytest.mark.parametrize(
    ("rows", "columns", "by_halo"),
    [
        (512, 448, {0: 32, 8: 40, 16: 50, 32: 126}),
        (360, 360, {0: 18, 8: 32, 16: 32, 32: 75}),
        (448, 392, {0: 32, 8: 32, 16: 40, 32: 108}),
    ],
)
def test_there_are_as_many_tiles_as_the_specification_counts(rows, columns, by_halo):
    for halo, count in by_halo.items():
        assert len(plan_tiles((224, rows, columns), SIZE, halo)) == count


@pytest.mark.parametrize("shape", [(47, 80, 72), (32, 33, 96), (10, 20, 200)])
def test_every_point_belongs_to_exactly_one_tile(shape):
    tiles = plan_tiles(shape, (32, 32, 32), 8)
    points = np.random.default_rng(0).uniform(-3, np.add(shape, 3), (500, 3))
    owners = np.sum([tile.owns(points) for tile in tiles], axis=0)
    np.testing.assert_array_equal(owners, 1)


def test_a_core_is_seen_with_its_surroundings():
    shape = (47, 80, 72)
    for tile in plan_tiles(shape, (32, 32, 32), 8):
        for axis, extent in enumerate(shape):
            if tile.origin[axis] > 0:
                assert tile.core_low[axis] - tile.origin[axis] >= 8
            if np.isfinite(tile.core_high[axis]):
                assert tile.origin[axis] + 32 - tile.core_high[axis] >= 8
            else:
                assert tile.origin[axis] + 32 >= extent


def test_refuses_a_halo_without_core():
    with pytest.raises(ValueError, match="halo"):
        plan_tiles((64, 64, 64), (32, 32, 32), 16)
