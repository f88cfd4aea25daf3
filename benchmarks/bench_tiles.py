"""Tiles and patches of a brain volume, and labels of a patch, against NumPy slice by slice."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.timing import Row, paired, print_table
from sdk import kernels
from sdk.kernels import TileCut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SHAPE, FINE = (72, 448, 352), 224
TILE, PATCH, CLASSES = (128, 128, 128), (16, 64, 64), 4
NOTE = "1 thread"


def head() -> tuple[Array, Array, Array]:
    """SWI, phase and an ellipsoid of brain."""
    rng = np.random.default_rng(0)
    axes = np.ogrid[tuple(slice(-1.2, 1.2, extent * 1j) for extent in SHAPE)]
    brain = sum(axis**2 for axis in axes) < 1
    swi = rng.normal(100, 9, SHAPE).astype(np.float32) * brain
    return swi, rng.normal(0, 0.5, SHAPE).astype(np.float32), brain


def in_numpy(swi: Array, phase: Array, brain: Array, out: Array, cut: TileCut) -> None:
    """Every slice of the tile from two slices of the volume, as one would write it."""
    out[0], out[1] = 0.0, 0.5
    (low, high), (_, rows, columns) = (
        cut.window,
        (slice(first, first + size) for first, size in zip(cut.origin, out.shape[1:], strict=True)),
    )
    for k in range(out.shape[1]):
        position = (cut.origin[0] + k) * cut.slice_ratio
        part = np.float32(position - int(position))
        for z, share in ((int(position), 1 - part), (int(position) + 1, part)):
            if share == 0:
                continue
            inside = brain[z, rows, columns]
            seen = np.clip((swi[z, rows, columns] - low) / (high - low), 0, 1) * inside
            turn = np.clip(phase[z, rows, columns] * inside / (2 * np.pi) + 0.5, 0, 1)
            out[0, k] += share * seen
            out[1, k] += share * (turn - np.float32(0.5))


def tile_row(job: str, size: tuple[int, int, int], cut: TileCut) -> Row:
    volume, (mine, theirs) = head(), np.zeros((2, 2, *size), np.float32)
    ours = partial(kernels.cut_tile, *volume, mine, cut)
    peer = partial(in_numpy, *volume, theirs, cut)
    ours(), peer()
    np.testing.assert_allclose(mine, theirs, atol=1e-6)
    ours_ms, peers_ms = paired(ours, {"NumPy": peer}, repeats=11)
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, target=None, note=NOTE)


def label_row() -> Row:
    scores = np.random.default_rng(0).normal(0, 1, (CLASSES, *PATCH)).astype(np.float32)
    flat = scores.reshape(CLASSES, -1, PATCH[2])
    labels = np.empty(flat.shape[1:], np.uint8)
    ours = partial(kernels.best_class, flat, labels)

    def peer() -> Array:
        return scores.argmax(axis=0).astype(np.uint8)

    ours()
    np.testing.assert_array_equal(labels.reshape(PATCH), peer())
    ours_ms, peers_ms = paired(ours, {"NumPy": peer}, repeats=21)
    job = f"best of {CLASSES} classes, {'x'.join(map(str, PATCH))}"
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, target=None, note=NOTE)


def rows() -> list[Row]:
    """What one tile of the detector and one patch of the regions network cost."""
    fine = TileCut(
        origin=(48, 160, 112),
        slices=FINE,
        slice_ratio=(SHAPE[0] - 1) / (FINE - 1),
        window=(70, 130),
    )
    patch = TileCut(origin=(28, 192, 144), slices=SHAPE[0], window=(70, 130))
    return [
        tile_row("tile of 128^3 on finer slices", TILE, fine),
        tile_row("patch of 16x64x64 as it is", PATCH, patch),
        label_row(),
    ]


if __name__ == "__main__":
    print_table(rows())
