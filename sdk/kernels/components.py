"""Connected components of binary images and volumes: statistics, labels, editing."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sdk import _native
from sdk._native import ComponentsWorkspace
from sdk.kernels.checks import check_integer, check_number, tuple_of
from sdk.kernels.device import shape_of

MOST_PIXELS = 2**63 - 1  # of any component


@dataclass(frozen=True, kw_only=True)
class Components:
    """The components of a mask, in the order of their first pixels (rows before columns).

    Row i of every table is the component that has the label i + 1.
    """

    count: int
    """How many there are."""
    boxes: npt.NDArray[np.int32]
    """(count, 2 * ndim): the first index along each axis, then one past the last."""
    sizes: npt.NDArray[np.int64]
    """(count,) pixels or voxels."""
    centroids: npt.NDArray[np.float64]
    """(count, ndim) mean index, from exact integer sums."""
    sums: npt.NDArray[np.float64] | None
    """(count,) sum of the values, added in raster order; None without values."""
    maxima: npt.NDArray[np.float32] | None
    """(count,) highest value; None without values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What stayed of a mask that was edited."""

    count: int
    """Components that stayed."""
    pixels: int
    """Pixels or voxels of these."""
    removed: int
    """Components that were cleared."""


@dataclass(frozen=True, kw_only=True)
class PhysicalSize:
    """A size on the patient instead of a number of pixels."""

    min_size_mm: float
    """mm^2 of an image, mm^3 of a volume."""
    spacing_mm: tuple[float, ...]
    """Distance of neighbouring pixels along each axis, (rows, columns) or (z, rows, columns)."""

    def pixels(self, ndim: int) -> int:
        """The fewest pixels of an image (or voxels of a volume) that reach the size.

        Raises:
            ValueError: a spacing for another number of axes, or not positive, or not finite.
        """
        spacing = tuple_of("spacing_mm", self.spacing_mm, check_number)
        if len(spacing) != ndim or not all(0 < mm < math.inf for mm in spacing):
            raise ValueError(
                f"spacing_mm must be {ndim} positive numbers for a {ndim}-D mask, got {spacing}; "
                "give one distance in mm per axis"
            )
        check_number("min_size_mm", self.min_size_mm)
        if not 0 <= self.min_size_mm < math.inf:
            raise ValueError(
                f"min_size_mm must be finite and not negative, got {self.min_size_mm}; "
                f"give it in mm^{ndim}"
            )
        pixel_mm = math.prod(float(mm) for mm in spacing)
        if not self.min_size_mm < MOST_PIXELS * pixel_mm:
            return MOST_PIXELS
        return math.ceil(self.min_size_mm / pixel_mm * (1 - 1e-12))


def components(
    mask: Any,
    *,
    connectivity: int | None = None,
    values: Any = None,
    labels: Any = None,
    workspace: ComponentsWorkspace | None = None,
) -> Components:
    """Finds the connected components of a mask and their statistics, in one pass over it.

    Args:
        mask: (rows, columns) or (z, rows, columns) uint8 or bool; what is not zero is foreground.
        connectivity: 4 or 8 (an image's default); 6, 18 or 26 (a volume's default).
        values: float32 or uint8 of the mask's shape, summed and maximised over each component.
            One NaN makes the sum and the maximum of its component NaN.
        labels: int32 or uint32 of the mask's shape; receives the label of each pixel from 1, and 0
            in the background.
        workspace: memory to use again; with one, nothing but the answer is allocated. One call at
            a time.

    Returns:
        The components, numbered from 1 by their first pixel in raster order.

    Raises:
        TypeError: another dtype.
        ValueError: another shape, layout or connectivity; a workspace that another thread uses; or
            2^32 runs of foreground or more (never below 2^33 pixels).
    """
    found = _native.components(mask, connectivity, values, labels, workspace)
    boxes, sizes, centroids, sums, maxima = found
    return Components(
        count=len(sizes),
        boxes=boxes,
        sizes=sizes,
        centroids=centroids,
        sums=sums,
        maxima=maxima,
    )


def remove_small(
    mask: Any,
    min_size: int | PhysicalSize,
    *,
    connectivity: int | None = None,
    out: Any = None,
    workspace: ComponentsWorkspace | None = None,
) -> Kept:
    """Clears the components that are smaller than `min_size`.

    Args:
        mask: as in `components`; edited in place without `out`.
        min_size: the smallest size that stays, in pixels or voxels or as a `PhysicalSize`.
        connectivity: as in `components`.
        out: uint8 or bool of the mask's shape, receives the edited mask; kept pixels keep their
            value. It must be the mask itself or not overlap it.
        workspace: as in `components`.

    Returns:
        What stayed, and how many components did not.

    Raises:
        TypeError, ValueError: as `components`; or a negative or physically meaningless size.
    """
    if isinstance(min_size, PhysicalSize):
        pixels = min_size.pixels(len(shape_of(mask, "mask")))
    else:
        pixels = _count("min_size", min_size, MOST_PIXELS)
    return _kept(_native.remove_small(mask, pixels, connectivity, out, workspace))


def queue_remove_small(
    mask: Any,
    min_pixels: int,
    *,
    counts: Any,
    connectivity: int | None = None,
    workspace: ComponentsWorkspace | None = None,
) -> None:
    """As `remove_small` in place; on a device nothing is waited for.

    Args:
        mask: as in `components`; edited in place.
        min_pixels: the smallest size that stays.
        counts: (3,) int64 on the mask's device; receives the fields of `Kept` in their order.
        connectivity: as in `components`.
        workspace: as in `components`. On a device it makes room for as many components as a mask
            of this size can have: 14 bytes per pixel with 8-connectivity.

    Raises:
        TypeError, ValueError: as `remove_small`.
    """
    pixels = _count("min_pixels", min_pixels, MOST_PIXELS)
    _native.queue_remove_small(mask, pixels, connectivity, workspace, counts)


def keep_largest(
    mask: Any,
    k: int = 1,
    *,
    connectivity: int | None = None,
    out: Any = None,
    workspace: ComponentsWorkspace | None = None,
) -> Kept:
    """Clears all but the `k` largest components; of equal ones the first in raster order stays.

    Args:
        mask: as in `components`; edited in place without `out`.
        k: how many stay.
        connectivity: as in `components`.
        out: as in `remove_small`.
        workspace: as in `components`.

    Returns:
        What stayed, and how many components did not.

    Raises:
        TypeError, ValueError: as `components`; or a negative `k`.
    """
    keep = _count("k", k, 2**32 - 1)
    return _kept(_native.keep_largest(mask, keep, connectivity, out, workspace))


def fill_holes(
    mask: Any,
    *,
    connectivity: int | None = None,
    out: Any = None,
    workspace: ComponentsWorkspace | None = None,
) -> int:
    """Fills the background that does not reach the border of the mask.

    The background has the dual connectivity: 4 where the foreground has 8 and the other way round,
    26 where the foreground has 6, and 6 where it has 18 or 26. A volume's border includes its first
    and last slice. A filled pixel takes the value of the foreground on its left.

    Args:
        mask: as in `components`; edited in place without `out`.
        connectivity: of the foreground, as in `components`.
        out: as in `remove_small`.
        workspace: as in `components`.

    Returns:
        How many holes were filled.

    Raises:
        TypeError, ValueError: as `components`.
    """
    return _native.fill_holes(mask, connectivity, out, workspace)


def _count(name: str, value: int, most: int) -> int:
    """The number, or the highest that makes a difference."""
    check_integer(name, value)
    if value < 0:
        raise ValueError(f"{name} must not be negative, got {value}; give a number of things")
    return min(value, most)


def _kept(counts: tuple[int, int, int]) -> Kept:
    count, pixels, removed = counts
    return Kept(count=count, pixels=pixels, removed=removed)
