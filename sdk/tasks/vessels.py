"""Vessels of one frame, in source pixels: the answer that segmenting tasks share."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.frame import Frame
from sdk.geometry import Placement
from sdk.kernels import ComponentsWorkspace


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Vessels:
    """Where the vessels are.

    Attributes:
        mask: (rows, columns) of the source frame, uint8, 1 where there is a vessel.
        area_px: vessel pixels of the source frame.
        area_mm2: their area, None where the pixel spacing is unknown.
        count: separate vessel trees.
    """

    mask: NDArray[np.uint8]
    area_px: int
    area_mm2: float | None
    count: int


class VesselReader:
    """Turns a plane of a network's output into vessels, dropping specks."""

    def __init__(self, level: float, min_tree_fraction: float) -> None:
        """Takes the value from which a pixel is vessel, and the smallest tree, see the tasks."""
        self._level = level
        self._min_tree_fraction = min_tree_fraction
        self._workspace = ComponentsWorkspace()

    def __call__(self, plane: NDArray[np.float32], placement: Placement, frame: Frame) -> Vessels:
        """Reads a (rows, columns) plane on which the frame lies as `placement` says."""
        mask = np.empty(frame.shape, np.uint8)
        kernels.threshold(plane[placement.window], self._level, out=mask)
        least = math.ceil(self._min_tree_fraction * mask.size)
        kept = kernels.remove_small(mask, least, workspace=self._workspace)
        spacing = frame.pixel_spacing_mm
        return Vessels(
            mask=mask,
            area_px=kept.pixels,
            area_mm2=kept.pixels * spacing[0] * spacing[1] if spacing else None,
            count=kept.count,
        )


def dice(expected: NDArray[np.uint8], got: NDArray[np.uint8]) -> float:
    """2 |A and B| / (|A| + |B|) of two masks, 1 where both are empty."""
    total = int(np.count_nonzero(expected)) + int(np.count_nonzero(got))
    common = int(np.count_nonzero(expected & got))
    return 2 * common / total if total else 1.0
