"""A frame through the session, beside the script its user would otherwise write."""

from collections.abc import Callable
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.timing import Row, paired, print_table
from sdk import Frame, Mask, Session
from sdk.backends.base import Backend
from sdk.tasks import AngiogramQuality
from sdk.tensors import Tensors

MODEL = Path("models/angiogram_quality")
MOST_OVERHEAD_MS = 0.5
SIDE = 1024
Run = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]


def phantom(*, subtracted: bool) -> Frame:
    """A 1024 x 1024 frame, 12 bit, of a phantom run, with or without a mask to subtract."""
    from training.phantoms.run import phantom_run

    run = phantom_run(seed=3, frames=12, size=SIDE)
    mask = Mask(pixels=np.ascontiguousarray(run.pixels[0])) if subtracted else None
    return Frame(pixels=np.ascontiguousarray(run.pixels[9]), mask=mask, bits_stored=12)


def script(frame: Frame, run: Run, least_px: float) -> tuple[Any, int, int]:
    """OpenCV, NumPy and ONNX Runtime, as a careful user would join them."""
    pixels = frame.pixels
    if frame.mask is not None:
        live, mask = (image.astype(np.float32) + 1 for image in (pixels, frame.mask.pixels))
        pixels = cv2.log(cv2.divide(live, mask))
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
    native, subtracted = (phantom(subtracted=subtracted) for subtracted in (False, True))
    return [
        *_overhead("native", native),
        *_overhead("subtracted", subtracted),
        _pushed("native", native),
        _end_to_end("native", native),
    ]


class _Recorded(Backend):
    """Hands out what a network answered before: the network call costs nothing."""

    def __init__(self, inputs: Tensors, outputs: Tensors) -> None:
        self.name = "recorded"
        self.inputs, self.outputs = inputs, outputs

    def run(self) -> None:
        """Nothing to compute."""

    def close(self) -> None:
        """Nothing to release."""


def _least_px() -> float:
    return AngiogramQuality().min_tree_fraction * SIDE * SIDE


def _agree(answer: Any, mask: NDArray[np.uint8]) -> str:
    """How many pixels of the two masks differ; the script rounds in 16 bit before it resizes."""
    differing = np.count_nonzero(answer.vessels.mask != mask)
    if differing > 1e-3 * mask.size:
        raise AssertionError(f"session and script differ in {differing} pixels")
    return f"masks differ in {differing} of {mask.size} pixels"


def _recorded(frame: Frame) -> tuple[Session[Any], Callable[[Frame], tuple[Any, int, int]]]:
    """A session and the script on a network that costs nothing."""
    with Session[Any](MODEL) as session:
        session(frame)
        image = np.zeros((1, 1, 512, 512), np.float32)
        session.task.preprocess(frame, {"frame": image})
    network = onnxruntime.InferenceSession(MODEL / "graph.fp32.onnx")
    vessels, grade = network.run(["vessels", "grade"], {"frame": image})
    outputs = {"vessels": vessels, "grade": grade}
    recorded = Session[Any](MODEL, backend=_Recorded({"frame": image}, outputs))
    return recorded, lambda frame: script(frame, lambda _: (vessels, grade), _least_px())


def _overhead(kind: str, frame: Frame) -> list[Row]:
    """Frame after frame, and after the script has emptied the caches, as a network does."""
    recorded, scripted = _recorded(frame)

    def by_hand() -> tuple[Any, int, int]:
        return scripted(frame)

    note = f"{_agree(recorded(frame).require(), by_hand()[0])}; goal {MOST_OVERHEAD_MS} ms"
    name = "OpenCV + NumPy script"
    alone = [paired(call, {}, repeats=101)[0] for call in (lambda: recorded(frame), by_hand)]
    ours, peers = paired(lambda: recorded(frame), {name: by_hand}, repeats=101)
    job = f"everything but the network, {kind} 1024 x 1024 frame"
    return [
        Row(
            job=f"{job}, frame after frame",
            ours_ms=alone[0],
            peers_ms={name: alone[1]},
            target=None,
            note=note,
        ),
        Row(job=f"{job}, caches emptied", ours_ms=ours, peers_ms=peers, target=None, note=note),
    ]


def _pushed(kind: str, frame: Frame) -> Row:
    """From the push of a frame to its outcome, beside the script in a thread with two queues."""
    recorded, scripted = _recorded(frame)
    frames, answers = Queue[Frame](1), Queue[tuple[Any, int, int]]()

    def work() -> None:
        while True:
            answers.put(scripted(frames.get()))

    Thread(target=work, daemon=True).start()

    def by_hand() -> tuple[Any, int, int]:
        frames.put(frame)
        return answers.get()

    name = "queues and a thread around the script"
    with recorded.live() as live:

        def pushed() -> Any:
            live.push(frame)
            return live.take()

        note = _agree(pushed().require(), by_hand()[0])
        alone = [paired(call, {}, repeats=101)[0] for call in (pushed, by_hand)]
    return Row(
        job=f"everything but the network, {kind} 1024 x 1024 frame, pushed live",
        ours_ms=alone[0],
        peers_ms={name: alone[1]},
        target=None,
        note=note,
    )


def _end_to_end(kind: str, frame: Frame) -> Row:
    network = onnxruntime.InferenceSession(MODEL / "graph.fp32.onnx")

    def run(image: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        vessels, grade = network.run(["vessels", "grade"], {"frame": image})
        return vessels, grade

    def by_hand() -> tuple[Any, int, int]:
        return script(frame, run, _least_px())

    with Session[Any](MODEL) as session:
        note = _agree(session(frame).require(), by_hand()[0])
        ours, peers = paired(
            lambda: session(frame), {"onnxruntime + OpenCV + NumPy script": by_hand}, repeats=41
        )
    return Row(
        job=f"end to end with the network, {kind} 1024 x 1024 frame",
        ours_ms=ours,
        peers_ms=peers,
        target=1.0,
        note=note,
    )


if __name__ == "__main__":
    print_table(rows())
