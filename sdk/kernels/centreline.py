"""The centreline of a mask and the local radius along it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sdk import _native
from sdk.kernels.checks import check_positive, given_or_new, tuple_of
from sdk.kernels.device import shape_of


@dataclass(frozen=True, kw_only=True)
class Centreline:
    """Lines one pixel wide through a mask."""

    skeleton: Any
    """uint8, 1 on the centreline; shape of the mask."""
    points: NDArray[np.int32]
    """(m, 2): row and column of its pixels, row by row."""
    radius: NDArray[np.float32]
    """(m,): exact Euclidean distance to the nearest background pixel, from centre to centre. A
    straight vessel w pixels wide, w odd, has radius (w + 1) / 2 pixels: half a pixel more than half
    its width. Beyond the image there is no background; a mask that fills its image has infinite
    radius."""
    unit: Literal["mm", "pixel"]
    """Of the radius."""


class CentrelineWorkspace:
    """Scratch memory that grows to the largest mask it has met and is then reused.

    One thread at a time may use it.
    """

    def __init__(self) -> None:
        self.scratch = _native.CentrelineScratch()


def centreline(
    mask: Any,
    *,
    pixel_spacing_mm: tuple[float, float] | None = None,
    out: Any = None,
    workspace: CentrelineWorkspace | None = None,
) -> Centreline:
    """Thins a mask to its centreline and measures the radius along it.

    Thinning is that of Guo and Hall (CACM 32(3), 1989): it keeps the number of 8-connected parts
    and of holes, keeps ends, and a pixel's fate depends on its surroundings alone, so that cropping
    changes nothing farther from the cut than the vessels there are wide. The image's border bounds
    the mask.

    Args:
        mask: (rows, columns) uint8 or bool, set where not zero; fewer than 65535 rows.
        pixel_spacing_mm: (row, column) distance of pixel centres; without it the radius is in
            pixels.
        out: uint8 memory for the skeleton, of the shape of the mask; it may be the mask itself.
        workspace: memory to reuse. Points and radius are new arrays all the same.

    Raises:
        TypeError: another dtype.
        ValueError: another shape or layout, or a spacing that is not positive.
    """
    spacing = (1.0, 1.0)
    if pixel_spacing_mm is not None:
        spacing = tuple_of("pixel_spacing_mm", pixel_spacing_mm, check_positive, count=2)
    out = np.empty(shape_of(mask, "mask"), np.uint8) if out is None else out
    scratch = given_or_new(workspace, CentrelineWorkspace).scratch
    count = _native.centreline(mask, out, spacing, scratch)
    points = np.empty((count, 2), np.int32)
    radius = np.empty(count, np.float32)
    _native.centreline_points(points, radius, scratch)
    unit: Literal["mm", "pixel"] = "pixel" if pixel_spacing_mm is None else "mm"
    return Centreline(skeleton=out, points=points, radius=radius, unit=unit)
