"""Vessels of one frame, in source pixels: the answer that segmenting tasks share."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.errors import BackendError
from sdk.frame import Frame
from sdk.geometry import Placement
from sdk.kernels import ArrayPool, ComponentsWorkspace, DeviceArray, HostCopy, ThresholdWorkspace

Mask = NDArray[np.uint8]


class _HostMask:
    """The mask in host memory, copied from the device the first time that somebody looks."""

    def __get__(self, vessels: Any, owner: type) -> Any:
        if vessels is None:
            raise AttributeError  # as a class attribute it would be the field's default
        kept: dict[str, Any] = vessels.__dict__
        if kept["mask"] is None:
            kept["mask"] = kept["mask_on_device"].numpy()
        return kept["mask"]

    def __set__(self, vessels: Any, mask: Any) -> None:
        there = isinstance(mask, DeviceArray)
        vessels.__dict__.update(
            mask=None if there else mask, mask_on_device=mask if there else None
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Vessels:
    """Where the vessels are.

    Attributes:
        mask: (rows, columns) of the source frame, uint8, 1 where there is a vessel; in host memory,
            where it is copied the first time it is looked at if a device found it.
        area_px: vessel pixels of the source frame.
        area_mm2: their area, None where the pixel spacing is unknown.
        count: separate vessel trees.
    """

    mask: Mask = _HostMask()  # type: ignore[assignment]  # a descriptor, see dataclasses
    area_px: int
    area_mm2: float | None
    count: int

    @property
    def mask_on_device(self) -> DeviceArray | None:
        """The mask where a CUDA device made it, for what goes on there; None on the CPU."""
        found: DeviceArray | None = self.__dict__["mask_on_device"]
        return found


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reading:
    """Vessels that are being read, where the network's output lives.

    Attributes:
        mask: (rows, columns) of the source frame, uint8.
        counts: trees, their pixels, specks; complete after a `kernels.wait`.
        drawing: knows then, on a device, whether there were only numbers to read.
        pixel_spacing_mm: of the frame.
    """

    mask: Any
    counts: NDArray[np.int64]
    drawing: ThresholdWorkspace
    pixel_spacing_mm: tuple[float, float] | None

    def vessels(self, mask: Any = None) -> Vessels:
        """What was found, once it was waited for.

        Args:
            mask: the mask in host memory, where somebody copied it already.

        Raises:
            BackendError: a device gave NaN or infinities; in host memory the session looks itself.
        """
        if self.drawing.not_numbers:
            raise BackendError(
                "the network gave NaN or infinities on the device, expected numbers; reset the "
                "session, and if it happens again, use another precision"
            )
        count, pixels, _ = (int(number) for number in self.counts)
        spacing = self.pixel_spacing_mm
        if mask is None:
            mask = self.mask.settled() if isinstance(self.mask, DeviceArray) else self.mask
        return Vessels(
            mask=mask,
            area_px=pixels,
            area_mm2=pixels * spacing[0] * spacing[1] if spacing else None,
            count=count,
        )


class VesselReader:
    """Turns a plane of a network's output into vessels, dropping specks.

    Where the plane lies on a CUDA device everything is queued in its stream: what `read` gives is
    complete after a `kernels.wait`, and only until the next `read`.
    """

    def __init__(self, level: float, min_tree_fraction: float) -> None:
        """Takes the value from which a pixel is vessel, and the smallest tree, see the tasks."""
        self._level = level
        self._min_tree_fraction = min_tree_fraction
        self._workspace = ComponentsWorkspace()
        self._drawing = ThresholdWorkspace()
        self._masks = ArrayPool()
        self._counts: Any = np.empty(3, np.int64)
        self._counts_copy = HostCopy()

    def read(self, plane: Any, placement: Placement, frame: Frame) -> Reading:
        """Reads a (rows, columns) float32 plane on which the frame lies as `placement` says."""
        mask = self._masks.beside(plane, frame.shape, np.uint8)
        if not kernels.same_place(self._counts, plane):
            self._counts = kernels.empty_beside(plane, (3,), np.int64)
        window = plane[placement.window]
        kernels.threshold(window, self._level, out=mask, workspace=self._drawing, counted=False)
        least = math.ceil(self._min_tree_fraction * math.prod(frame.shape))
        kernels.queue_remove_small(mask, least, counts=self._counts, workspace=self._workspace)
        return Reading(
            mask=mask,
            counts=self._counts_copy.take(self._counts),
            drawing=self._drawing,
            pixel_spacing_mm=frame.pixel_spacing_mm,
        )


def logit_of(threshold: float) -> float:
    """The logit of the probability from which a pixel is vessel.

    Raises:
        ValueError: it does not lie between 0 and 1.
    """
    if not 0.0 < threshold < 1.0:
        raise ValueError(f"threshold must be a probability between 0 and 1, got {threshold}")
    return math.log(threshold / (1.0 - threshold))


def dice(expected: NDArray[Any], got: NDArray[Any]) -> float:
    """2 |A and B| / (|A| + |B|) of two masks, 1 where both are empty."""
    total = int(np.count_nonzero(expected)) + int(np.count_nonzero(got))
    common = int(np.count_nonzero(np.logical_and(expected, got)))
    return 2 * common / total if total else 1.0
