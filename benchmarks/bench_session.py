"""A frame through the session, beside the script its user would otherwise write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.timing import Row, paired, print_table
from sdk import Frame, ReplayBackend, Session
from sdk.tasks import AngiogramQuality

MODEL = Path("models/angiogram_quality")
MOST_OVERHEAD_MS = 0.5
SIDE = 1024
Run = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]


def phantom() -> NDArray[np.uint16]:
    """A 1024 x 1024 frame, 12 bit, of the phantom the demo shows."""
    from training.phantoms.run import phantom_run

    return np.ascontiguousarray(phantom_run(seed=3, frames=12, size=SIDE).pixels[9])


def script(pixels: NDArray[np.uint16], run: Run, least_px: float) -> tuple[Any, int, int]:
    """OpenCV, NumPy and ONNX Runtime, as a careful user would join them."""
    grid = (np.arange(128) * 2 + 1) * SIDE // 256
    low, high = np.percentile(pixels[np.ix_(grid, grid)], (1, 99))
    small = cv2.resize(pixels, (512, 512), interpolation=cv2.INTER_AREA).astype(np.float32)
    low, high = np.float32(low), np.float32(high)
    image = np.clip((small - low) / (high - low), 0, 1)[None, None]
    vessels, grade = run(image)
    large = cv2.resize(vessels[0, 0], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    mask = (large >= 0).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least_px
    keep[0] = False
    mask = keep[labels].astype(np.uint8)
    return mask, int(mask.sum()), int(grade[0].argmax())


def rows() -> list[Row]:
    """Overhead without the network, and end to end with it."""
    cv2.setNumThreads(1)
    pixels = phantom()
    return [_overhead(pixels), _end_to_end(pixels)]


def _least_px() -> float:
    return AngiogramQuality().min_tree_fraction * SIDE * SIDE


def _agree(answer: Any, mask: NDArray[np.uint8]) -> str:
    """How many pixels of the two masks differ; the script rounds in 16 bit before it resizes."""
    differing = np.count_nonzero(answer.vessels.mask != mask)
    if differing > 1e-3 * mask.size:
        raise AssertionError(f"session and script differ in {differing} pixels")
    return f"masks differ in {differing} of {mask.size} pixels"


def _overhead(pixels: NDArray[np.uint16]) -> Row:
    network = onnxruntime.InferenceSession(MODEL / "graph.fp32.onnx")
    recorded: dict[str, NDArray[np.float32]] = {}
    with Session[Any](MODEL) as session:
        frame = Frame(pixels=pixels, bits_stored=12)
        session(frame)
        image = np.zeros((1, 1, 512, 512), np.float32)
        session.task.preprocess(frame, {"frame": image})
        outputs = network.run(None, {"frame": image})
        names = [output.name for output in network.get_outputs()]
        recorded = dict(zip(names, outputs, strict=True))
        specs = session.task.inputs
    replay = Session[Any](MODEL, backend=ReplayBackend(specs, [recorded]))
    fixed = (recorded["vessels"], recorded["grade"])

    def by_hand() -> tuple[Any, int, int]:
        return script(pixels, lambda _: fixed, _least_px())

    note = _agree(replay(frame).require(), by_hand()[0])
    ours, peers = paired(lambda: replay(frame), {"OpenCV + NumPy script": by_hand}, repeats=101)
    return Row(
        job="everything but the network, 1024 x 1024 frame",
        ours_ms=ours,
        peers_ms=peers,
        target=None,
        note=f"{note}; goal {MOST_OVERHEAD_MS} ms",
    )


def _end_to_end(pixels: NDArray[np.uint16]) -> Row:
    network = onnxruntime.InferenceSession(MODEL / "graph.fp32.onnx")
    frame = Frame(pixels=pixels, bits_stored=12)

    def run(image: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        vessels, grade = network.run(["vessels", "grade"], {"frame": image})
        return vessels, grade

    def by_hand() -> tuple[Any, int, int]:
        return script(pixels, run, _least_px())

    with Session[Any](MODEL) as session:
        note = _agree(session(frame).require(), by_hand()[0])
        ours, peers = paired(
            lambda: session(frame), {"onnxruntime + OpenCV + NumPy script": by_hand}, repeats=41
        )
    return Row(
        job="end to end with the network, 1024 x 1024 frame",
        ours_ms=ours,
        peers_ms=peers,
        target=1.0,
        note=note,
    )


if __name__ == "__main__":
    print_table(rows())
