"""A point of a volume in three views at right angles, as a reader of scans would look at it."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How an axial volume is looked at.

    Attributes:
        name: of the plane.
        across: the volume's axis that goes through the plane.
        down: the axis that runs down the picture.
        right: the axis that runs to the right.
        headward: the picture's top is the end of `down`, which is where the head is.
        edges: letters of left, right, top and bottom: Right, Left, Anterior, Posterior, Head, Feet.
    """

    name: str
    across: int
    down: int
    right: int
    headward: bool
    edges: str


VIEWS = (
    View(name="axial", across=0, down=1, right=2, headward=False, edges="RLAP"),
    View(name="coronal", across=1, down=0, right=2, headward=True, edges="RLHF"),
    View(name="sagittal", across=2, down=0, right=1, headward=True, edges="APHF"),
)
"""The patient's right lies on the left, as radiologists hang pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """What a view shows: `field_mm` of both axes on `side` pixels, the point in the middle."""

    side: int = 168
    """Pixels."""
    field_mm: float = 40.0
    """Millimetres."""

    @property
    def mm(self) -> float:
        """Millimetres per pixel."""
        return self.field_mm / self.side


def look(
    voxels: NDArray[Any],
    spacing_mm: tuple[float, float, float],
    voxel: tuple[float, float, float],
    view: View,
    lens: Lens,
) -> tuple[Floats, NDArray[np.bool_]]:
    """The plane of the nearest voxel through a point, in true proportions.

    Args:
        voxels: (slices, rows, columns) in axial order.
        spacing_mm: of its axes.
        voxel: the point (slice, row, column).
        view: one of `VIEWS`.
        lens: field and size.

    Returns:
        (side, side) values, and which of the pixels lie in the volume.
    """
    index = int(np.clip(round(voxel[view.across]), 0, voxels.shape[view.across] - 1))
    plane = np.take(voxels, index, axis=view.across).astype(np.float32)  # rows are down, then right
    middle = (lens.side - 1) / 2
    matrix = np.zeros((2, 3))
    for row, axis in enumerate((view.right, view.down)):
        step = lens.mm / spacing_mm[axis]
        if axis == view.down and view.headward:
            step = -step
        matrix[row, row] = step
        matrix[row, 2] = voxel[axis] - middle * step
    there = np.ones(plane.shape, np.uint8)
    size, how = (lens.side, lens.side), cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(plane, matrix, size, flags=how | cv2.INTER_LINEAR)
    inside = cv2.warpAffine(there, matrix, size, flags=how | cv2.INTER_NEAREST)
    return np.asarray(seen, np.float32), inside != 0
