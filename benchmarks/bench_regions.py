"""Anatomical filtering against counting labels in NumPy crops; no library does it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.timing import Row, paired, print_table
from sdk import kernels
from sdk.kernels import AnatomicalFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SPACING_MM = (2.0, 0.5, 0.5)
TOLERANCE = 1e-4  # voxels, as the kernel states


def brain(shape: tuple[int, ...]) -> Array:
    """Nested ellipsoids: three regions as a parcellation has them, compact."""
    axes = np.meshgrid(*(np.linspace(-1.2, 1.2, size) for size in shape), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    return np.digitize(-radius, [-1.0, -0.6, -0.3]).astype(np.uint8)


def noise(shape: tuple[int, ...]) -> Array:
    """No two voxels alike: nothing to count eight at a time."""
    return np.random.default_rng(0).integers(0, 4, shape).astype(np.uint8)


def candidates(n: int, shape: tuple[int, ...], size: float) -> Array:
    rng = np.random.default_rng(1)
    low = rng.uniform(0, np.array(shape) - 1 - size, (n, len(shape)))
    return np.concatenate([low, low + size], 1).astype(np.float32)


def in_numpy(boxes: Array, regions: Array, options: AnatomicalFilter) -> tuple[Array, Array]:
    """Per candidate: crop to what the margin reaches, keep what lies within it, count labels."""
    d = regions.ndim
    spacing = np.array(options.spacing_mm)
    named, overlap = np.empty(len(boxes), np.uint8), np.empty(len(boxes))
    widened = boxes + np.repeat([-TOLERANCE, TOLERANCE], d)
    for i, box in enumerate(widened):
        begin = np.ceil(box[:d] - options.margin_mm / spacing).astype(int)
        end = np.floor(box[d:] + options.margin_mm / spacing).astype(int) + 1
        gaps = (
            np.maximum(0, np.maximum(a - np.arange(b, e), np.arange(b, e) - z)) * s
            for a, z, b, e, s in zip(box[:d], box[d:], begin, end, spacing, strict=True)
        )
        near = sum(gap**2 for gap in np.ix_(*gaps)) <= options.margin_mm**2
        inside = tuple(
            slice(max(b, 0), min(e, size))
            for b, e, size in zip(begin, end, regions.shape, strict=True)
        )
        shifted = tuple(slice(s.start - b, s.stop - b) for s, b in zip(inside, begin, strict=True))
        votes = np.bincount(regions[inside][near[shifted]], minlength=4)
        named[i] = 1 + np.argmax(votes[1:]) if votes[1:].any() else 0
        overlap[i] = votes[1:].sum() / near.sum()
    return named, overlap


def row(job: str, regions: Array, n: int, size: float, margin_mm: float) -> Row:
    boxes = candidates(n, regions.shape, size)
    options = AnatomicalFilter(margin_mm=margin_mm, spacing_mm=SPACING_MM[-regions.ndim :])
    out = kernels.FilteredCandidates.empty(n)
    ours = partial(kernels.anatomical_filter, boxes, regions, options, out=out)
    peer = partial(in_numpy, boxes, regions, options)
    named, overlap = peer()
    np.testing.assert_array_equal(ours().region, named)
    np.testing.assert_allclose(out.overlap, overlap, rtol=1e-5)
    ours_ms, peers_ms = paired(ours, {"NumPy": peer}, repeats=11)
    name = f"{job}, {n} boxes of {size:g}, margin {margin_mm:g} mm"
    return Row(job=name, ours_ms=ours_ms, peers_ms=peers_ms, target=None, note="1 thread")


def rows() -> list[Row]:
    """A volume, a frame, and labels without any order."""
    volume, frame = (72, 448, 512), (1024, 1024)
    return [
        row("brain regions", brain(volume), 20, 8, 2.0),
        row("brain regions", brain(volume), 300, 8, 2.0),
        row("brain regions", brain(volume), 20, 40, 0.0),
        row("label noise", noise(volume), 300, 8, 2.0),
        row("frame mask", brain(frame), 100, 40, 1.0),
    ]


if __name__ == "__main__":
    print_table(rows())
