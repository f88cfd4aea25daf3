"""From a network's logits to masks on the source's grid."""

from typing import Any

from sdk import _native
from sdk.kernels.checks import check_flag, check_number, given_or_new

ThresholdWorkspace = _native.ThresholdWorkspace


def threshold(
    logits: Any,
    level: float,
    *,
    out: Any,
    workspace: ThresholdWorkspace | None = None,
    counted: bool = True,
) -> int | None:
    """Sets `out` to 1 where the logit, interpolated on out's grid, reaches `level`, else to 0.

    Pixel areas of the two grids coincide, as in `sdk.geometry.Placement`: interpolation is
    bilinear between pixel centres, and edges repeat.

    Args:
        logits: (rows, columns) float32, the window that the source covers. Where interpolation
            meets NaN, or infinities of both signs, the pixel is 0.
        level: logit that is still inside, 0 for a probability of one half.
        out: uint8 or bool of any shape, for example the source's.
        workspace: where the pixels are counted on a device; one per thread. None allocates there.
            After a `wait`, its `not_numbers` are those where interpolation met NaN or an infinity.
        counted: tell how many were set. On a device that means to wait for it.

    Returns:
        How many pixels were set; None where nobody asked.

    Raises:
        TypeError: another dtype.
        ValueError: another layout, another device than out's, empty logits, a level that is NaN.
    """
    check_number("level", level)
    check_flag("counted", counted)
    workspace = given_or_new(workspace, ThresholdWorkspace)
    return _native.threshold(logits, level, out, workspace, counted)
