"""The anatomical region of every candidate, and whether a finding may lie there."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sdk import _native
from sdk._native import DeviceArray
from sdk.kernels.checks import (
    check_fraction,
    check_integer,
    check_one_of,
    check_positive,
    tuple_of,
)
from sdk.kernels.device import empty_beside, shape_of

Bytes = NDArray[np.uint8]


class RegionReason(IntEnum):
    """Why a candidate was kept or dropped; the first that applies, invalid ones apart."""

    KEPT = 0
    """It lies in an allowed region."""
    OUTSIDE_VOLUME = 1
    """None of its voxels lies in the volume."""
    OUTSIDE_REGIONS = 2
    """None of its voxels carries a region."""
    SMALL_OVERLAP = 3
    """Too small a part of it lies in regions."""
    EXCLUDED_REGION = 4
    """Most of it lies in a region that is not allowed."""
    INVALID_CANDIDATE = 5
    """It is not finite, has low > high, or is larger than any image."""


@dataclass(frozen=True, kw_only=True)
class AnatomicalFilter:
    """Where findings may lie."""

    allowed: Collection[int] | None = None
    """Labels of the allowed regions, 1 to 255; None for all."""
    margin_mm: float = 0.0
    """A candidate's extent is every voxel whose centre lies within this distance of it, and the
    voxel that holds its centre. Needs `spacing_mm`."""
    min_overlap: float = 0.5
    """The part of its extent that must lie in regions, allowed or not. What lies outside the volume
    counts as outside the regions."""
    spacing_mm: tuple[float, ...] | None = None
    """Voxel spacing along each axis of the regions."""
    unit: Literal["voxel", "mm"] = "voxel"
    """Of the candidates, with 0 in the centre of the first voxel. "mm" needs `spacing_mm`."""

    def __post_init__(self) -> None:
        check_fraction("min_overlap", self.min_overlap)
        check_positive("margin_mm", self.margin_mm, or_zero=True)
        check_one_of("unit", self.unit, ("voxel", "mm"))
        if self.spacing_mm is not None:
            spacing = tuple_of("spacing_mm", self.spacing_mm, check_positive)
            object.__setattr__(self, "spacing_mm", spacing)
        if self.allowed is not None:
            allowed = tuple_of("allowed", self.allowed, _check_region)
            object.__setattr__(self, "allowed", allowed)
        if self.spacing_mm is None and (self.margin_mm > 0 or self.unit == "mm"):
            raise ValueError(
                "spacing_mm must be given where a margin or candidates are in mm, got None; "
                "take it from the volume"
            )

    @cached_property
    def allowed_table(self) -> Bytes:
        """(256,) 1 for an allowed label."""
        table = np.full(256, self.allowed is None, np.uint8)
        table[list(self.allowed or ())] = 1
        return table


@dataclass(frozen=True, kw_only=True)
class FilteredCandidates:
    """One value per candidate; on a CUDA device they stay there, as `DeviceArray`."""

    kept: Bytes | DeviceArray
    """1 where it is kept."""
    region: Bytes | DeviceArray
    """The region most of its voxels lie in, the lowest label of equals; 0 where none does."""
    reason: Bytes | DeviceArray
    """A `RegionReason`."""
    overlap: NDArray[np.float32] | DeviceArray
    """The part of its extent that lies in regions."""

    @classmethod
    def empty(cls, count: int, *, beside: Any = None) -> "FilteredCandidates":
        """Memory for so many candidates, where `beside` lives; None is host memory."""
        kept, region, reason = (empty_beside(beside, (count,), np.uint8) for _ in range(3))
        overlap = empty_beside(beside, (count,), np.float32)
        return cls(kept=kept, region=region, reason=reason, overlap=overlap)


def _check_region(name: str, label: int) -> None:
    check_integer(name, label)
    if not 1 <= label <= 255:
        raise ValueError(f"{name} must hold labels from 1 to 255, got {label}; 0 is no region")


def anatomical_filter(
    candidates: Any,
    regions: Any,
    options: AnatomicalFilter | None = None,
    *,
    out: FilteredCandidates | None = None,
) -> FilteredCandidates:
    """Names the region of every candidate and drops those elsewhere, each with its reason.

    Its region is what most voxels of its extent that carry a region say; no other voxel is read.
    A centroid without a margin is judged by the voxel that holds it.

    Args:
        candidates: float32 (n, 2 d) boxes [low corner, high corner] or (n, d) centroids.
        regions: uint8 label volume (slices, rows, columns), d = 3, or frame mask (rows, columns),
            d = 2; 0 is no region.
        options: where findings may lie; by default in any region.
        out: arrays to write to, `FilteredCandidates.empty(n)`.

    Returns:
        `out`, or new arrays.

    Raises:
        TypeError: another dtype.
        ValueError: another shape. An invalid candidate is no error, but has its reason.
    """
    if out is None:
        count = (*shape_of(candidates, "candidates"), 0)[0]
        out = FilteredCandidates.empty(count, beside=candidates)
    _native.anatomical_filter(candidates, regions, options or AnatomicalFilter(), out)
    return out
