"""A point lies in the middle of every view, in true proportions, the right way round."""

import numpy as np
import pytest

from sdk.pictures.orthogonal import VIEWS, Lens, look

SPACING = (3.0, 1.0, 0.5)
LENS = Lens(side=81, field_mm=40.0)  # 2 pixels per mm, a pixel in the very middle
SHAPE = (20, 60, 120)
POINT = (10.0, 30.0, 60.0)


def blob(voxel, half_mm=2.0):
    """A cube of 1 around a voxel, in mm."""
    axes = np.ogrid[tuple(slice(extent) for extent in SHAPE)]
    near = [
        abs(axis - at) * mm <= half_mm for axis, at, mm in zip(axes, voxel, SPACING, strict=True)
    ]
    return np.asarray(near[0] & near[1] & near[2], np.float32)


def seen(voxels, view):
    return look(voxels, SPACING, POINT, view, LENS)[0]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_point_is_in_the_middle(view):
    rows, columns = np.nonzero(seen(blob(POINT), view) > 0.5)
    assert abs(rows.mean() - 40) < 1
    assert abs(columns.mean() - 40) < 1


@pytest.mark.parametrize(
    ("name", "patient", "towards"),
    [
        ("axial", (0, 0, 20), "right"),  # to the patient's left
        ("axial", (0, 10, 0), "down"),  # to the back
        ("coronal", (0, 0, 20), "right"),
        ("coronal", (3, 0, 0), "up"),  # to the head
        ("sagittal", (0, 10, 0), "right"),
        ("sagittal", (3, 0, 0), "up"),
    ],
)
def test_what_lies_beside_is_seen_on_the_right_side(name, patient, towards):
    view = next(view for view in VIEWS if view.name == name)
    rows, columns = np.nonzero(seen(blob(np.add(POINT, patient)), view) > 0.5)
    down, right = rows.mean() - 40, columns.mean() - 40
    direction = {"down": down, "up": -down, "right": right}[towards]
    assert direction == pytest.approx(2 * max(np.multiply(patient, SPACING)), abs=1.5)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_millimetres_are_as_long_in_both_directions(view):
    far = blob(POINT, half_mm=9.0)
    rows, columns = np.nonzero(seen(far, view) > 0.5)
    heights = np.ptp(rows), np.ptp(columns)
    assert heights == pytest.approx((36, 36), abs=6)  # whole slices of 3 mm


def test_what_lies_outside_the_volume_is_told_apart():
    voxels = np.ones(SHAPE, np.float32)
    _, inside = look(voxels, SPACING, (0.0, 0.0, 0.0), VIEWS[0], LENS)
    assert not inside[:39].any()
    assert not inside[:, :39].any()
    assert inside[41:, 41:].all()
