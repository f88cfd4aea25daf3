"""Drawing labels over a frame, and reading its noise, against OpenCV and NumPy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.bench_frame import NOTE, SIDE, frames
from benchmarks.timing import Row, paired, print_table
from sdk import kernels
from sdk.kernels import OverlayStyle
from sdk.kernels.drawing import COLOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def opencv_overlay(frame: Array, labels: Array, style: OverlayStyle, buffers: list[Array]) -> Array:
    gray, rgb, colour, blend, out = buffers
    scale = 255 / (style.high - style.low)
    cv2.convertScaleAbs(frame, gray, scale, -style.low * scale)
    cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB, rgb)
    cv2.addWeighted(rgb, 1 - style.alpha, colour, style.alpha, 0, blend)
    cv2.copyTo(rgb, None, out)
    return cv2.copyTo(blend, labels, out)


def overlay_row(foreground: float) -> Row:
    frame, _ = frames(np.uint16, 4095)
    smooth = cv2.GaussianBlur(np.random.default_rng(3).normal(size=(SIDE, SIDE)), (0, 0), 6)
    labels = (smooth > np.quantile(smooth, 1 - foreground)).astype(np.uint8)
    style = OverlayStyle(low=0, high=4095)
    out = np.empty((SIDE, SIDE, 3), np.uint8)
    buffers = [np.empty((SIDE, SIDE), np.uint8), *(np.empty_like(out) for _ in range(4))]
    buffers[2][:] = COLOURS[0]
    ours = partial(kernels.overlay, frame, labels, style, out=out)
    peer = partial(opencv_overlay, frame, labels, style, buffers)
    if np.abs(ours().astype(int) - peer()).max() > 1:  # they round halves differently
        raise AssertionError("the overlays differ")
    ours_ms, peers_ms = paired(ours, {"OpenCV chain": peer})
    job = f"overlay uint16 {SIDE}^2, {foreground:.0%} labelled"
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, target=2, note=NOTE)


def noise_row() -> Row:
    frame, _ = frames(np.uint16, 4095)
    kernel = np.outer([1, -2, 1], [1, -2, 1]).astype(np.float32)
    laplacian = np.empty(frame.shape, np.float32)

    def opencv() -> float:
        cv2.filter2D(frame, cv2.CV_32F, kernel, laplacian)
        inner = laplacian[1:-1, 1:-1]
        return np.sqrt(np.pi / 2) / 6 * cv2.norm(inner, cv2.NORM_L1) / inner.size

    np.testing.assert_allclose(kernels.noise_level(frame), opencv(), rtol=1e-6)
    ours_ms, peers_ms = paired(partial(kernels.noise_level, frame), {"OpenCV filter2D": opencv})
    job = f"noise level uint16 {SIDE}^2"
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, target=2, note=NOTE)


def rows() -> list[Row]:
    """Overlays with few and many labels, and the noise level."""
    cv2.setNumThreads(1)
    return [overlay_row(0.05), overlay_row(0.5), noise_row()]


if __name__ == "__main__":
    print_table(rows())
