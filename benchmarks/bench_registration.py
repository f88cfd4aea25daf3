"""How far a mask must move, against OpenCV's phase correlation and ECC, with the error of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.timing import Row, paired, print_table
from sdk import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SIDE = 1024
SHIFT = (5.6, -9.2)


def pair(vessels: int, *, shutter: bool) -> tuple[Array, Array]:
    """A 12-bit mask and the frame on which it lies when moved by SHIFT."""
    rng = np.random.default_rng(0)
    large = cv2.resize(
        rng.uniform(0.3, 0.9, (10, 10)), (SIDE + 80, SIDE + 80), interpolation=cv2.INTER_CUBIC
    )
    for _ in range(25):
        centre = [int(c) for c in rng.uniform(0, SIDE, 2)]
        cv2.circle(large, centre, int(rng.uniform(5, 80)), rng.uniform(0.3, 0.9), 5)
    large = cv2.GaussianBlur(large, (0, 0), 2)

    def view(down: float, right: float) -> Array:
        matrix = np.array([[1, 0, right - 40], [0, 1, down - 40]], np.float32)
        return cv2.warpAffine(large, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC)

    contrast, field = np.zeros((SIDE, SIDE)), np.ones((SIDE, SIDE))
    for _ in range(vessels):
        points = np.cumsum(rng.normal(0, SIDE / 12, (30, 2)), 0) + SIDE / 2
        cv2.polylines(contrast, [points.astype(np.int32)], isClosed=False, color=0.3, thickness=5)
    if shutter:
        field = cv2.circle(np.zeros_like(field), (SIDE // 2, SIDE // 2), int(SIDE * 0.49), 1, -1)
    images = (view(0, 0) * field, view(*SHIFT) * (1 - contrast) * field)
    noisy = (image * 4000 + rng.normal(0, 25, image.shape) for image in images)
    mask, frame = (np.clip(image, 0, 4095).astype(np.uint16) for image in noisy)
    return mask, frame


def small_logarithm(pixels: Array, box: int) -> Array:
    size = (SIDE // box, SIDE // box)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return cv2.log(cv2.add(small, 1, dtype=cv2.CV_32F))


def phase_correlation(mask: Array, frame: Array, box: int, window: Array) -> tuple[float, float]:
    logs = (small_logarithm(pixels, box) for pixels in (mask, frame))
    (right, down), _ = cv2.phaseCorrelate(*logs, window)
    return down * box, right * box


def ecc(mask: Array, frame: Array, box: int) -> tuple[float, float]:
    warp = np.eye(2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 1e-3)
    logs = [small_logarithm(pixels, box) for pixels in (frame, mask)]
    try:
        cv2.findTransformECC(*logs, warp, cv2.MOTION_TRANSLATION, criteria, None, 5)
    except cv2.error:
        return float("nan"), float("nan")  # it did not converge
    return -warp[1, 2] * box, -warp[0, 2] * box


def shift_row(vessels: int, *, shutter: bool) -> Row:
    mask, frame = pair(vessels, shutter=shutter)
    workspace = kernels.ShiftWorkspace()

    def ours() -> tuple[float, float]:
        return kernels.estimate_shift(mask, frame, workspace=workspace).shift_px

    windows = {box: cv2.createHanningWindow((SIDE // box,) * 2, cv2.CV_32F) for box in (1, 4)}
    peers: dict[str, Any] = {
        f"OpenCV phaseCorrelate {SIDE // box}^2": partial(
            phase_correlation, mask, frame, box, windows[box]
        )
        for box in (1, 4)
    }
    peers[f"OpenCV ECC {SIDE // 4}^2"] = partial(ecc, mask, frame, 4)
    errors = {
        name: float(np.hypot(*np.subtract(call(), SHIFT)))
        for name, call in {"ours": ours, **peers}.items()
    }
    ours_ms, peers_ms = paired(ours, peers, repeats=11)
    job = f"shift of a uint16 {SIDE}^2 mask, {vessels} vessels" + (", shutter" if shutter else "")
    note = "1 thread; error in px: " + ", ".join(f"{n} {e:.2f}" for n, e in errors.items())
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, note=note)


def rows() -> list[Row]:
    """Results differ by design: each row notes the error of every contestant."""
    cv2.setNumThreads(1)
    return [
        shift_row(0, shutter=False),
        shift_row(10, shutter=False),
        shift_row(10, shutter=True),
    ]


if __name__ == "__main__":
    print_table(rows())
