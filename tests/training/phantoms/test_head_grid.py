"""Voxels and millimetres of a head convert exactly; random fields belong to the head."""

from __future__ import annotations

import numpy as np
import pytest

from training.phantoms.head_grid import HeadGrid, RandomField

GRID = HeadGrid.around((3.0, -20.0, 7.0), (2.0, 0.5, 0.7), (5, 12, 9))


def test_the_middle_of_a_grid_is_where_it_was_put() -> None:
    np.testing.assert_allclose(GRID.to_mm(np.array([2.0, 5.5, 4.0])), [3.0, -20.0, 7.0])


def test_voxels_survive_the_way_to_millimetres_and_back() -> None:
    voxels = np.random.default_rng(0).uniform(0, 9, (20, 3))
    np.testing.assert_allclose(GRID.to_voxel(GRID.to_mm(voxels)), voxels)


def test_axes_are_the_millimetres_of_the_voxels() -> None:
    z, y, x = (axis.ravel() for axis in GRID.axes())
    np.testing.assert_allclose([z[3], y[7], x[2]], GRID.to_mm(np.array([3, 7, 2])), rtol=1e-6)


def test_a_grown_grid_keeps_its_voxels() -> None:
    grown = GRID.grown((1, 2, 3))
    assert grown.shape == (7, 16, 15)
    np.testing.assert_allclose(grown.to_mm(np.array([1, 2, 3])), GRID.first_mm)


def test_thin_slices_fill_the_thick_one() -> None:
    thin = GRID.finer_slices(4).axes()[0].ravel()
    np.testing.assert_allclose(
        thin.reshape(-1, 4).mean(1), GRID.axes()[0].ravel(), rtol=0, atol=1e-4
    )


def test_a_field_is_the_same_wherever_a_grid_cuts_it() -> None:
    field = RandomField.drawn(np.random.default_rng(0), 6.0)
    inner = field.on(GRID)
    outer = field.on(GRID.grown((2, 3, 1)))[2:-2, 3:-3, 1:-1]
    np.testing.assert_allclose(inner, outer, atol=1e-4)


def test_a_field_has_about_unit_deviation() -> None:
    field = RandomField.drawn(np.random.default_rng(1), 6.0)
    grid = HeadGrid.around((0.0, 0.0, 0.0), (5.0, 5.0, 5.0), (30, 30, 30))
    assert float(field.on(grid).std()) == pytest.approx(1.0, abs=0.2)
