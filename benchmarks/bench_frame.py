"""What happens to every frame, against OpenCV, NumPy and SciPy chains with the same result."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.timing import Row, paired, print_table
from sdk import kernels
from sdk.kernels import Subtraction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SIDE = 1024
NOTE = "1 thread"


def frames(dtype: type, highest: int, side: int = SIDE) -> tuple[Array, Array]:
    """A live frame and its mask: smooth anatomy, dark vessels, detector noise."""
    rng = np.random.default_rng(0)
    anatomy = cv2.resize(rng.uniform(0.3, 0.9, (8, 8)), (side, side), interpolation=cv2.INTER_CUBIC)
    live = anatomy.copy()
    for _ in range(12):
        points = np.cumsum(rng.normal(0, side / 12, (30, 2)), 0) + side / 2
        cv2.polylines(live, [points.astype(np.int32)], isClosed=False, color=0.2, thickness=5)
    noisy = (image + rng.normal(0, 0.01, image.shape) for image in (live, anatomy))
    frame, mask = (np.clip(image * highest, 0, highest).astype(dtype) for image in noisy)
    return frame, mask


class OpenCvChain:
    """Subtract, resize by area, window: every step into memory made before."""

    def __init__(self, frame: Array, mask: Array, size: int, options: Subtraction) -> None:
        self.frame, self.mask, self.size, self.options = frame, mask, (size, size), options
        self.wide = np.empty(frame.shape, np.float32 if options.log else np.int16)
        self.logs = np.empty((2, *frame.shape), np.float32)
        self.small = np.empty((size, size), np.float32 if options.log else np.int16)
        self.out = np.empty((size, size), np.float32)

    def difference(self) -> Array:
        if not self.options.log:
            return cv2.subtract(self.frame, self.mask, self.wide, dtype=cv2.CV_16S)
        for pixels, logs in zip((self.frame, self.mask), self.logs, strict=True):
            cv2.add(pixels, 1, logs, dtype=cv2.CV_32F)
        cv2.divide(self.logs[0], self.logs[1], self.wide)  # one logarithm instead of two
        return cv2.log(self.wide, self.wide)

    def direct(self) -> Array:
        difference = self.difference()
        if self.size != self.frame.shape:
            difference = cv2.resize(difference, self.size, self.small, interpolation=cv2.INTER_AREA)
        scale = 1 / (self.options.high - self.options.low)
        offset = -self.options.low * scale
        cv2.addWeighted(difference, scale, difference, 0, offset, self.out, dtype=cv2.CV_32F)
        cv2.min(self.out, 1.0, self.out)
        return cv2.max(self.out, 0.0, self.out)


class ShiftedChain(OpenCvChain):
    """The same, after cv2.warpAffine has moved the mask."""

    def direct(self) -> Array:
        self.unshifted = getattr(self, "unshifted", self.mask)
        down, right = self.options.shift_px
        matrix = np.float32([[1, 0, right], [0, 1, down]])
        self.mask = cv2.warpAffine(
            self.unshifted, matrix, self.frame.shape[::-1], borderMode=cv2.BORDER_REPLICATE
        )
        return super().direct()


def subtract_row(
    dtype: type, highest: int, size: int, options: Subtraction, target: float | None
) -> Row:
    frame, mask = frames(dtype, highest)
    out = np.empty((size, size), np.float32)
    shifted = any(options.shift_px)
    chain = (ShiftedChain if shifted else OpenCvChain)(frame, mask, size, options)
    peers = {"OpenCV warp + chain" if shifted else "OpenCV chain": chain.direct}
    ours = partial(kernels.subtract, frame, out, mask=mask, options=options)
    ours()
    half_level = 0.51 / (options.high - options.low)  # OpenCV rounds the mean of integers
    fixed_point = 0.05 if shifted else 0.0  # and warps in 1/32 pixel
    for peer in peers.values():
        allowed = 1e-5 if options.log else half_level
        np.testing.assert_allclose(out, peer(), rtol=0, atol=allowed + fixed_point)
    ours_ms, peers_ms = paired(ours, peers, repeats=41)
    kind = ("log" if options.log else "linear") + (f", shift {options.shift_px}" if shifted else "")
    job = f"subtract {np.dtype(dtype)} {SIDE}^2 -> {size}^2, {kind}"
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, target=target, note=NOTE)


def subtract_rows() -> list[Row]:
    linear = Subtraction(low=-800, high=200, clip=True)
    linear8 = Subtraction(low=-60, high=20, clip=True)
    log = Subtraction(log=True, low=-1.0, high=0.2, clip=True)
    shifted = Subtraction(log=True, low=-1.0, high=0.2, clip=True, shift_px=(0.5, -1.25))
    jobs: list[tuple[type, int, int, Subtraction, float | None]] = [
        (np.uint16, 4095, 512, linear, 3),
        (np.uint16, 4095, 512, log, 3),
        (np.uint8, 255, 512, linear8, 3),
        (np.uint8, 255, 512, log, 3),
        (np.uint16, 4095, 1024, linear, None),
        (np.uint16, 4095, 1024, log, None),
        (np.uint16, 4095, 400, log, None),
        (np.uint16, 4095, 512, shifted, 3),
    ]
    return [subtract_row(*job) for job in jobs]


def percentile_row(pixels: Array, job: str, bins: int, target: float | None) -> Row:
    workspace = kernels.PercentileWorkspace()

    def ours() -> object:
        return kernels.percentiles(pixels, (1, 99), workspace=workspace)

    def histogram() -> object:
        counts = cv2.calcHist([pixels], [0], None, [bins], [0, bins])
        return np.searchsorted(np.cumsum(counts), np.array([0.01, 0.99]) * (pixels.size - 1))

    peers: dict[str, Any] = {"NumPy": partial(np.percentile, pixels, (1, 99))}
    if bins:
        peers["OpenCV histogram"] = histogram
    expected = np.percentile(pixels.astype(np.float64), (1, 99))
    np.testing.assert_allclose(kernels.percentiles(pixels, (1, 99)).values, expected, rtol=1e-12)
    ours_ms, peers_ms = paired(ours, peers)
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, target=target, note=NOTE)


def percentile_rows() -> list[Row]:
    frame, mask = frames(np.uint16, 4095)
    wide = frames(np.uint16, 65535)[0]
    probe = np.empty((128, 128), np.float32)
    kernels.subtract(frame, probe, mask=mask, options=Subtraction(log=True, resize="nearest"))
    noise = np.random.default_rng(1).normal(size=(128, 128)).astype(np.float32)
    return [
        percentile_row(frame, f"percentiles uint16 {SIDE}^2, 12 bit", 4096, 1),
        percentile_row(wide, f"percentiles uint16 {SIDE}^2, 16 bit", 65536, 1),
        percentile_row(probe, "percentiles float32 128^2, subtracted probe", 0, 1),
        percentile_row(noise, "percentiles float32 128^2, noise", 0, 1),
    ]


def threshold_row(logits: Array, size: int, target: float | None) -> Row:
    out = np.empty((size, size), np.uint8)
    large = np.empty((size, size), np.float32)

    def opencv() -> Array:
        source = logits
        if size != logits.shape[0]:
            source = cv2.resize(logits, (size, size), large, interpolation=cv2.INTER_LINEAR)
        return cv2.compare(source, 0.0, cv2.CMP_GE)

    def counted() -> int:
        return cv2.countNonZero(opencv())

    ours = partial(kernels.threshold, logits, 0.0, out=out)
    differing = np.count_nonzero((opencv() != 0) != out) if ours() else 0
    if differing > size:  # OpenCV interpolates columns first: ties round differently
        raise AssertionError(f"{differing} pixels differ")
    ours_ms, peers_ms = paired(ours, {"OpenCV resize + compare + count": counted}, repeats=41)
    job = f"threshold float32 {logits.shape[0]}^2 -> {size}^2"
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, target=target, note=NOTE)


def threshold_rows() -> list[Row]:
    logits = cv2.GaussianBlur(
        np.random.default_rng(2).normal(size=(512, 512)).astype(np.float32), (0, 0), 4
    )
    return [threshold_row(logits, size, 3) for size in (1024, 512, 768)]


def minimum_row() -> Row:
    frame, lowest = frames(np.uint16, 4095)
    copy = lowest.copy()
    ours = partial(kernels.min_projection, frame, lowest)
    peers = {
        "OpenCV": partial(cv2.min, frame, copy, copy),
        "NumPy": partial(np.minimum, frame, copy, out=copy),
    }
    ours()
    np.testing.assert_array_equal(lowest, peers["OpenCV"]())
    ours_ms, peers_ms = paired(ours, peers, repeats=41)
    job = f"running minimum uint16 {SIDE}^2"
    return Row(job=job, ours_ms=ours_ms, peers_ms=peers_ms, target=1, note=NOTE)


def rows() -> list[Row]:
    """Every frame kernel, one row per size and kind."""
    cv2.setNumThreads(1)
    return [*subtract_rows(), *percentile_rows(), *threshold_rows(), minimum_row()]


if __name__ == "__main__":
    print_table(rows())
