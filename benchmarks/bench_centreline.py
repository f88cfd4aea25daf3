"""Centreline and radius of a mask, against scikit-image's thinning and OpenCV's distances."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.timing import MISSING, Row, paired, print_table
from sdk import kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]

SIDE = 1024


def vessels(count: int, widest: int) -> Array:
    """Tortuous tubes that cross each other."""
    rng = np.random.default_rng(0)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(count):
        turns = rng.normal(0, 0.3, 80).cumsum() + rng.uniform(0, 7)
        steps = 12 * np.stack([np.cos(turns), np.sin(turns)], 1)
        points = (rng.uniform(0, SIDE, 2) + steps.cumsum(0)).astype(np.int32)
        cv2.polylines(mask, [points], False, 1, int(rng.integers(2, widest)))
    return mask


def noise() -> Array:
    return (np.random.default_rng(0).uniform(size=(SIDE, SIDE)) < 0.5).astype(np.uint8)


def opencv_radius(mask: Array, skeleton: Array) -> Array:
    """Exact distances of every pixel, read at the skeleton."""
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance[skeleton != 0]


def peers_of(mask: Array) -> dict[str, Callable[[], tuple[Array, Array]] | None]:
    """Each returns its skeleton and radius; `thin` is the same algorithm as ours."""
    if not find_spec("skimage"):
        return {"skimage.thin + cv2": None, "skimage.skeletonize + cv2": None}
    from skimage.morphology import skeletonize, thin

    def both(thinning: Callable[[Array], Array]) -> tuple[Array, Array]:
        skeleton = thinning(mask)
        return skeleton, opencv_radius(mask, skeleton)

    return {
        "skimage.thin + cv2": partial(both, thin),
        "skimage.skeletonize + cv2": partial(both, skeletonize),
    }


def row(job: str, mask: Array, target: float | None) -> Row:
    workspace, out = kernels.CentrelineWorkspace(), np.empty_like(mask)
    ours = partial(kernels.centreline, mask, out=out, workspace=workspace)
    peers = peers_of(mask)
    line = ours()
    if same := peers["skimage.thin + cv2"]:
        skeleton, radius = same()
        np.testing.assert_array_equal(line.skeleton, skeleton)
        np.testing.assert_allclose(line.radius, radius, rtol=1e-4)
    present = {name: peer for name, peer in peers.items() if peer}
    ours_ms, peers_ms = paired(ours, present, repeats=5, warm=1)
    missing = {name: MISSING for name, peer in peers.items() if not peer}
    name = f"{job}, {SIDE}^2, {int(mask.sum())} px set, {len(line.points)} px line"
    return Row(
        job=name, ours_ms=ours_ms, peers_ms=peers_ms | missing, target=target, note="1 thread"
    )


def rows() -> list[Row]:
    """Few vessels, many, one huge blob, noise and nothing."""
    cv2.setNumThreads(1)
    blob = cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (512, 512), 400, 1, -1)
    return [
        row("vessels", vessels(12, 10), 5.0),
        row("many wide vessels", vessels(60, 24), 5.0),
        row("one disc", blob, None),
        row("noise", noise(), None),
        row("nothing", np.zeros((SIDE, SIDE), np.uint8), None),
    ]


if __name__ == "__main__":
    print_table(rows())
