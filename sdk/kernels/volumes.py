"""From a volume to what a network sees of it, and from what a network says to labels."""

from dataclasses import dataclass
from typing import Any

from sdk import _native
from sdk.kernels.checks import check_float32, check_integer, check_number, check_positive, tuple_of

Voxel = tuple[int, int, int]

FARTHEST = 2**24  # voxels from the first along each axis; no volume is that large
HIGHEST_RATIO = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TileCut:
    """Where a tile of a brain volume lies, and how its values are read; axes are (z, y, x)."""

    origin: Voxel
    """First fine slice, row and column of the tile; may be negative."""
    first: Voxel = (0, 0, 0)
    """Voxel of the volume at which the arrays begin that are given of it."""
    slices: int
    """Fine slices of the volume; behind the last there is nothing."""
    slice_ratio: float = 1.0
    """Slices of the volume per fine slice; between two of them values are interpolated."""
    window: tuple[float, float]
    """SWI values that become 0 and 1."""
    box: tuple[Voxel, Voxel] | None = None
    """First and last voxel of the box whose corners get the coordinates -1 and 1."""

    def __post_init__(self) -> None:
        _check_voxel("origin", self.origin)
        _check_voxel("first", self.first)
        if self.box is not None:
            tuple_of("box", self.box, _check_voxel, count=2)
        check_integer("slices", self.slices)
        if not 0 <= self.slices <= FARTHEST:
            raise ValueError(
                f"slices must be 0 or more and at most 2^24, got {self.slices}; count fine slices"
            )
        check_positive("slice_ratio", self.slice_ratio, or_zero=True)
        if self.slice_ratio > HIGHEST_RATIO:
            raise ValueError(
                f"slice_ratio must be at most {HIGHEST_RATIO}, got {self.slice_ratio}; fine slices "
                "lie closer than those of the volume"
            )
        low, high = tuple_of("window", self.window, check_number, count=2)
        check_float32("the low end of window", low)
        check_positive("the width of the window", high - low)
        check_float32("the width of the window", high - low)


def _check_voxel(name: str, voxel: Any) -> None:
    tuple_of(name, voxel, _check_place, count=3)


def _check_place(name: str, at: int) -> None:
    check_integer(name, at)
    if not -FARTHEST <= at <= FARTHEST:
        raise ValueError(
            f"{name} must lie within 2^24 voxels along each axis, got {at}; count from the first "
            "voxel of the volume"
        )


def cut_tile(swi: Any, phase: Any, brain: Any, out: Any, cut: TileCut) -> Any:
    """Cuts a tile out of a volume, in one pass; on a device nothing is waited for.

    Args:
        swi: (slices, rows, columns) float32, the part of the volume that the tile needs. What of
            the tile lies outside this part is treated as outside the brain.
        phase: the same of the phase in radians.
        brain: the same, uint8 or bool, not 0 inside the brain.
        out: float32 (2, slices, rows, columns), or (5, ...) where the cut has a box. Receives SWI,
            0 to 1 in the window and 0 outside the brain; phase, 0 to 1 over a whole turn with 0.5
            for none, as outside the brain; and the coordinates of each voxel in the box along z, y
            and x.
        cut: where the tile lies.

    Returns:
        `out`.

    Raises:
        TypeError: another dtype.
        ValueError: another shape, layout or device.
    """
    _native.cut_tile(swi, phase, brain, out, cut)
    return out


def best_class(scores: Any, out: Any) -> Any:
    """Labels every voxel with the class whose score is highest, the first of equals.

    On a device nothing is waited for.

    Args:
        scores: (classes, rows, columns) float32, at most 256 classes; a volume as the rows of all
            its slices. NaN counts as minus infinity.
        out: (rows, columns) uint8, receives the labels.

    Returns:
        `out`.

    Raises:
        TypeError: another dtype.
        ValueError: another shape, layout or device.
    """
    _native.best_class(scores, out)
    return out
