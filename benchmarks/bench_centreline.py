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


def check(mask: Array, line: kernels.Centreline, *, slowly: bool) -> None:
    """The radius is OpenCV's; the skeleton is that of the same algorithm in scikit-image, which
    takes seconds and minutes, so that it is asked for small radii only and not timed."""
    np.testing.assert_allclose(line.radius, opencv_radius(mask, line.skeleton), rtol=1e-4)
    if slowly and find_spec("skimage"):
        from skimage.morphology import thin

        np.testing.assert_array_equal(line.skeleton, thin(mask))


def skimage_and_opencv(mask: Array) -> Callable[[], tuple[Array, Array]] | None:
    """Another skeleton of the same kind (Zhang and Suen), and its radius."""
    if not find_spec("skimage"):
        return None
    from skimage.morphology import skeletonize

    def both() -> tuple[Array, Array]:
        skeleton = skeletonize(mask)
        return skeleton, opencv_radius(mask, skeleton)

    return both


def row(job: str, mask: Array, target: float | None, *, slowly: bool = False) -> Row:
    workspace, out = kernels.CentrelineWorkspace(), np.empty_like(mask)
    ours = partial(kernels.centreline, mask, out=out, workspace=workspace)
    line = ours()
    check(mask, line, slowly=slowly)
    peer = skimage_and_opencv(mask)
    name = "skimage.skeletonize + cv2.distanceTransform"
    ours_ms, peers_ms = paired(ours, {name: peer} if peer else {}, repeats=5, warm=1)
    job = f"{job}, {SIDE}^2, {int(mask.sum())} px set, {len(line.points)} px line"
    peers_ms = peers_ms or {name: MISSING}
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, target=target, note="1 thread")


def rows() -> list[Row]:
    """Few vessels, many, one huge blob, noise and nothing."""
    cv2.setNumThreads(1)
    blob = cv2.circle(np.zeros((SIDE, SIDE), np.uint8), (512, 512), 400, 1, -1)
    return [
        row("vessels", vessels(12, 10), 5.0, slowly=True),
        row("many wide vessels", vessels(60, 24), 5.0),
        row("one disc", blob, None),
        row("noise", noise(), None, slowly=True),
        row("nothing", np.zeros((SIDE, SIDE), np.uint8), None),
    ]


if __name__ == "__main__":
    print_table(rows())
