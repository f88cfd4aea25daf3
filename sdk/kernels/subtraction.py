"""From a detector's frame to a network's input in one pass."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from sdk import _native
from sdk.kernels.checks import (
    check_flag,
    check_float32,
    check_integer,
    check_number,
    check_window,
    tuple_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtraction:
    """How a frame becomes a network's input; the defaults give the difference as it is.

    Attributes:
        log: take log(stored value + 1), for frames proportional to X-ray intensity.
        inverted: MONOCHROME1, first turn stored values of frame and mask into white - value.
        white: highest stored value; what is stored above it becomes 0 where `inverted`.
        shift_px: (row, column) displacement of the mask before it is subtracted; between pixels
            it is interpolated, beyond its edge it repeats (DICOM PS3.3 C.7.6.10, (0028,6114)).
        resize: "area" averages all that an output pixel covers, and interpolates between pixel
            centres along an axis that grows; "nearest" takes the pixel under its centre.
        low: value that becomes 0.
        high: value that becomes 1, below `low` to turn bright into dark.
        clip: keep what lies beyond `low` and `high` at these.
        span: what `low` and `high` become instead of 0 and 1.

    Raises:
        ValueError: a window or span of no width, a number that is not finite, an unknown resize.
    """

    log: bool = False
    inverted: bool = False
    white: int = 65535
    shift_px: tuple[float, float] = (0.0, 0.0)
    resize: Literal["area", "nearest"] = "area"
    low: float = 0.0
    high: float = 1.0
    clip: bool = False
    span: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("log", "inverted", "clip"):
            check_flag(name, getattr(self, name))
        self._check_window()
        tuple_of("shift_px", self.shift_px, check_number, count=2)
        if not math.isfinite(sum(self.shift_px)):
            raise ValueError(
                f"shift_px must be two finite pixels, got {self.shift_px}; (0, 0) is no shift"
            )
        if self.resize not in ("area", "nearest"):
            raise ValueError(f'resize must be "area" or "nearest", got {self.resize!r}; choose one')
        check_integer("white", self.white)
        if not 0 < self.white <= 65535:
            raise ValueError(f"white must be 1..65535, got {self.white}; see Frame.white")

    def _check_window(self) -> None:
        check_window(self.low, self.high)
        first, last = tuple_of("span", self.span, check_number, count=2)
        if first == last or not math.isfinite(last - first):
            raise ValueError(
                f"span must be two different finite values, got {self.span}; (0, 1) is usual"
            )
        check_float32("span", first)
        check_float32("the width of span", last - first)


def subtract(
    frame: Any, out: Any, *, mask: Any = None, options: Subtraction, window: Any = None
) -> Any:
    """Fills `out` with the subtracted, resized, windowed frame.

    A pixel is worth f - m, or log(f + 1) - log(m + 1) where `options.log`; without a mask f, or
    log(f + 1). These values are resized to the shape of `out`, and stored as
    (value - low) / (high - low), spread over `options.span`. Logarithms are within 1e-6 of the
    exact ones, the result is the same on every instruction set.

    Args:
        frame: (rows, columns) uint8 or uint16.
        out: float32 of any shape, for example the window of a network's input.
        mask: shape, dtype and device of the frame; None for a native frame.
        options: what to do.
        window: what `find_window` measured, on out's device; replaces `options.low` and `high`.

    Returns:
        `out`.

    Raises:
        TypeError: another dtype.
        ValueError: another shape, layout or device; an empty frame.
    """
    _native.subtract(frame, mask, out, options, window)
    return out
