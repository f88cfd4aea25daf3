"""Source, network and millimetre coordinates are each other's exact inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.geometry import Placement, from_mm, step_between, to_mm

SIDES = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
POINTS = st.lists(st.tuples(st.floats(-50, 3000), st.floats(-50, 3000)), min_size=1)


@given(SIDES, SIDES, POINTS)
def test_network_points_map_back(source, network, points):
    placement = Placement.fit(source, network)
    back = placement.to_source(placement.to_network(points))
    np.testing.assert_allclose(back, points, atol=1e-6)


@given(SIDES, SIDES)
def test_the_source_lies_inside_the_network_input(source, network):
    placement = Placement.fit(source, network)
    for origin, size, extent in zip(placement.origin, placement.size, network, strict=True):
        assert origin >= 0
        assert size >= 1
        assert origin + size <= extent


def test_corners_of_the_image_map_to_corners_of_the_window():
    placement = Placement.fit((1024, 768), (512, 512))
    assert placement.size == (512, 384)
    assert placement.origin == (0, 64)
    np.testing.assert_allclose(placement.to_network([-0.5, -0.5]), [-0.5, 63.5])
    np.testing.assert_allclose(placement.to_network([1023.5, 767.5]), [511.5, 447.5])


def test_the_window_selects_what_the_source_covers():
    placement = Placement.fit((100, 200), (64, 64))
    covered = np.zeros((64, 64))
    covered[placement.window] = 1
    assert covered.sum() == 64 * 32
    assert covered[:16].sum() == 0


@given(SIDES, st.sampled_from([(1, 1), (8, 8), (4, 16)]), POINTS)
def test_a_coarser_output_covers_exactly_the_same_part(source, step, points):
    network, coarse = (512, 512), (512 // step[0], 512 // step[1])
    fine = Placement.fit(source, network, step_between(network, coarse))
    placement = fine.at(coarse)
    assert placement.network == coarse
    back = placement.to_source(placement.to_network(points))
    np.testing.assert_allclose(back, points, atol=1e-6)
    corners = np.add(fine.to_network(points), 0.5) / step - 0.5
    np.testing.assert_allclose(placement.to_network(points), corners, atol=1e-6)


def test_grids_that_do_not_divide_each_other_are_matched_to_the_nearest_pixel():
    assert step_between((513, 513), (65, 65)) == (1, 1)
    placement = Placement.fit((1024, 768), (513, 513)).at((65, 65))
    assert (placement.network, placement.size, placement.origin) == ((65, 65), (65, 49), (0, 8))


def test_a_finer_output_covers_exactly_the_same_part():
    placement = Placement.fit((1000, 700), (128, 128)).at((512, 512))
    assert (placement.size, placement.origin) == ((512, 360), (0, 76))


@given(POINTS, st.tuples(st.floats(0.05, 3), st.floats(0.05, 3)))
def test_millimetres_map_back(points, spacing):
    np.testing.assert_allclose(from_mm(to_mm(points, spacing), spacing), points, atol=1e-9)


def test_millimetres_keep_row_and_column_apart():
    np.testing.assert_allclose(to_mm([2, 3], (0.5, 0.25)), [1.0, 0.75])


@pytest.mark.parametrize("size", [(512, 512), (256, 256)])
def test_a_smaller_output_covers_the_same_part(size):
    placement = Placement.fit((1024, 768), (512, 512)).at(size)
    np.testing.assert_allclose(placement.to_network([-0.5, -0.5])[1] / size[1], 64 / 512, atol=2e-3)
