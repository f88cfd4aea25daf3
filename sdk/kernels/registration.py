"""How far a mask must move to lie on a frame."""

from dataclasses import dataclass
from typing import Any

from sdk import _native
from sdk.kernels.checks import check_flag, check_number, given_or_new

ShiftWorkspace = _native.ShiftWorkspace


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftEstimate:
    """What `estimate_shift` found.

    Attributes:
        shift_px: (row, column) displacement of the mask that makes it match the frame, as
            `Subtraction.shift_px` takes it.
        residual: root mean square difference that remains, contrast agent weighted down; of
            logarithms where the logarithm was taken, else of stored values.
        residual_unshifted: the same without a shift, weighted on the same scale; where it is not
            larger, the shift is not worth applying.
    """

    shift_px: tuple[float, float]
    residual: float
    residual_unshifted: float


def estimate_shift(
    mask: Any,
    frame: Any,
    *,
    log: bool = True,
    longest_px: float = 32.0,
    workspace: ShiftWorkspace | None = None,
) -> ShiftEstimate:
    """Estimates one translation of the whole mask.

    Both images are averaged down to at most 384 pixels a side, but not below 32 along the shorter
    one. A search by whole pixels at a quarter of that size finds where the difference varies least;
    weighted Gauss-Newton steps from there to the finest level make it sub-pixel (B. Lucas, T.
    Kanade, 1981). What differs more than the rest, such as vessels, weighs little, and so does the
    border, where the shutter stands still. Without texture along a direction there is no shift
    along it; where noise is all that differs, it is any shift within the limit.

    The error grows with the averaging: below 0.2 pixels on textured frames of 512 pixels a side,
    0.5 on 1024 and 1 on 2048. Crops of 128 pixels and less that moved by nearly a quarter of their
    side have little in common: some of their shifts are wrong by more than a pixel.

    Args:
        mask: (rows, columns) uint8 or uint16, 32 to 65536 pixels a side.
        frame: shape and dtype of the mask.
        log: compare logarithms, for frames proportional to X-ray intensity.
        longest_px: largest displacement along each axis, 0 to 65536; never more than a quarter of
            the shorter side.
        workspace: scratch to reuse; one per thread. None allocates.

    Raises:
        TypeError: another dtype.
        ValueError: another shape, size, layout or device.
    """
    check_flag("log", log)
    check_number("longest_px", longest_px)
    workspace = given_or_new(workspace, ShiftWorkspace)
    shift_px, residual, unshifted = _native.estimate_shift(mask, frame, log, longest_px, workspace)
    return ShiftEstimate(shift_px=shift_px, residual=residual, residual_unshifted=unshifted)
