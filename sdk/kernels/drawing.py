"""A frame as the reader sees it, with labels in colour."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from sdk import _native
from sdk._native import DeviceArray
from sdk.kernels.checks import check_fraction, check_integer, check_window
from sdk.kernels.device import empty_beside, on_device, shape_of, to_device

COLOURS = np.array(
    [[255, 64, 64], [64, 200, 255], [255, 208, 64], [96, 224, 96], [208, 112, 255]], np.uint8
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayStyle:
    """How a frame and its labels are drawn.

    Attributes:
        low: stored value shown black.
        high: stored value shown white, below `low` for MONOCHROME1.
        alpha: 0 shows no colour, 1 nothing but colour.
        outline_px: 0 fills; 1 or 2 draws only pixels that have another label within so many
            pixels along their row or column. The image's border is no outline.

    Raises:
        ValueError: a window of no width, or a number outside its range.
    """

    low: float
    high: float
    alpha: float = 0.5
    outline_px: int = 0

    def __post_init__(self) -> None:
        check_window(self.low, self.high, levels=255)
        check_fraction("alpha", self.alpha)
        check_integer("outline_px", self.outline_px)
        if self.outline_px not in (0, 1, 2):
            raise ValueError(f"outline_px must be 0, 1 or 2, got {self.outline_px}; 0 fills")


def overlay(
    frame: Any, labels: Any, style: OverlayStyle, *, colours: Any = None, out: Any = None
) -> Any:
    """Draws labels over the windowed frame.

    Args:
        frame: (rows, columns) uint8 or uint16.
        labels: same shape, bool, uint8 or int32; 0 and below is no label.
        style: window and colour strength.
        colours: (n, 3) uint8 red, green, blue; label k has colour (k - 1) modulo n. None for
            `COLOURS`.
        out: (rows, columns, 3) uint8, None allocates it where the frame lives.

    Returns:
        `out`.

    Raises:
        TypeError: another dtype.
        ValueError: another shape, layout or device.
    """
    if out is None:
        out = empty_beside(frame, (*shape_of(frame, "frame"), 3), np.uint8)
    if colours is None:
        colours = _colours_on_device() if on_device(frame) else COLOURS
    _native.overlay(frame, labels, colours, out, style)
    return out


@cache
def _colours_on_device() -> DeviceArray:
    return to_device(COLOURS)
