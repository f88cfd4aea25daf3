"""Irradiated pixels against shapes drawn by hand."""

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from xa_files import described, edited, item, xa_file

from sdk.dicom import read_xa
from sdk.dicom.shutter import Shutter
from sdk.errors import DicomError


def test_edges_of_a_rectangle_are_inside():
    inside = Shutter(rectangle=(1, 2, 3, 4)).irradiated((5, 6))
    expected = np.zeros((5, 6), np.uint8)
    expected[1:4, 2:5] = 1
    np.testing.assert_array_equal(inside, expected)


def test_the_rim_of_a_circle_is_inside():
    inside = Shutter(circle=(2, 2, 2)).irradiated((5, 5))
    assert inside.sum() == 13
    assert inside[0, 2] == inside[2, 0] == 1


def test_a_polygon_includes_its_outline():
    inside = Shutter(polygon=((0, 2), (2, 4), (4, 2), (2, 0))).irradiated((5, 5))
    rows, columns = np.mgrid[:5, :5]
    np.testing.assert_array_equal(inside, abs(rows - 2) + abs(columns - 2) <= 2)


POINTS = st.tuples(st.integers(-5, 25), st.integers(-5, 25))


@given(st.lists(POINTS, min_size=3, max_size=3))
@example([(0, 0), (-4, -5), (18, 25)])
def test_triangles_equal_the_half_plane_rule(vertices):
    inside = Shutter(polygon=tuple(vertices)).irradiated((20, 21))
    rows, columns = np.mgrid[:20, :21]
    sides = [
        (b[1] - a[1]) * (rows - a[0]) - (b[0] - a[0]) * (columns - a[1])
        for a, b in zip(vertices, [*vertices[1:], vertices[0]], strict=True)
    ]
    within = np.logical_or(np.all(np.array(sides) >= 0, 0), np.all(np.array(sides) <= 0, 0))
    low, high = np.min(vertices, 0), np.max(vertices, 0)
    within &= (rows >= low[0]) & (rows <= high[0]) & (columns >= low[1]) & (columns <= high[1])
    np.testing.assert_array_equal(inside, within)


def test_a_concave_polygon_equals_opencv():
    corners = [(2, 2), (2, 30), (30, 30), (16, 16), (30, 2)]
    drawn = np.zeros((40, 40), np.uint8)
    cv2.fillPoly(drawn, [np.array([corner[::-1] for corner in corners], np.int32)], 1)
    np.testing.assert_array_equal(Shutter(polygon=tuple(corners)).irradiated((40, 40)), drawn)


def test_several_shapes_leave_what_all_leave():
    shutter = Shutter(rectangle=(0, 0, 2, 9), circle=(2, 4, 3), polygon=((0, 0), (0, 4), (9, 4)))
    shapes = [
        Shutter(rectangle=shutter.rectangle),
        Shutter(circle=shutter.circle),
        Shutter(polygon=shutter.polygon),
    ]
    expected = np.bitwise_and.reduce([shape.irradiated((9, 9)) for shape in shapes])
    np.testing.assert_array_equal(shutter.irradiated((9, 9)), expected)


def test_all_shapes_survive_the_file(tmp_path):
    shutter = Shutter(
        rectangle=(0, 1, 3, 5), circle=(2, 3, 3), polygon=((0, 0), (0, 5), (4, 5), (4, 0))
    )
    run = read_xa(xa_file(tmp_path, shutter=shutter))
    np.testing.assert_array_equal(run.irradiated, shutter.irradiated((5, 6)))
    assert 0 < run.irradiated.sum() < 30


def test_the_collimator_counts_too(tmp_path):
    path = xa_file(tmp_path, shutter=Shutter(rectangle=(0, 0, 4, 2)))
    with edited(path) as dataset:
        dataset.CollimatorShape = "CIRCULAR"
        dataset.CenterOfCircularCollimator, dataset.RadiusOfCircularCollimator = [1, 1], 1
    expected = np.zeros((5, 6), np.uint8)
    expected[0, :2] = expected[1, 0] = 1
    np.testing.assert_array_equal(read_xa(path).irradiated, expected)


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"ShutterShape": "STAR"}, r"Shutter Shape \(0018,1600\) must be"),
        ({"ShutterShape": "RECTANGULAR"}, r"\(0018,1606\) is missing"),
        ({"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": 3}, "must be 2 numbers"),
        (
            {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 2, 3]},
            "at least 3 pairs",
        ),
        (
            {
                "ShutterShape": "CIRCULAR",
                "CenterOfCircularShutter": [90, 90],
                "RadiusOfCircularShutter": 3,
            },
            r"Shutter Shape \(0018,1600\) leaves none",
        ),
        (
            {
                "CollimatorShape": "CIRCULAR",
                "CenterOfCircularCollimator": [90, 90],
                "RadiusOfCircularCollimator": 3,
            },
            r"run.dcm: Collimator Shape \(0018,1700\) leaves none",
        ),
    ],
)
def test_refuses_a_shutter_that_cannot_be(tmp_path, elements, message):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
    with pytest.raises(DicomError, match=message):
        read_xa(path)


@pytest.mark.parametrize("radii", [(2, 2, 2, 2), (2, 2, 3, 3)])
def test_a_shutter_that_moves_is_refused(tmp_path, radii):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        circle = {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [3, 3]}
        described(dataset, *(item(RadiusOfCircularShutter=one, **circle) for one in radii))
    if len(set(radii)) == 1:
        assert read_xa(path).irradiated.sum() == 13
    else:
        with pytest.raises(DicomError, match=r"Radius of Circular Shutter .* changes inside"):
            read_xa(path)
