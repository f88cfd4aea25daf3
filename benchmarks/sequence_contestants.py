"""Who answers on the next frame of a run in `bench_sequence`; light to import, for its memory."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from sdk import Frame, Mask, Session
from sdk.machine import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

LIMITS, SPREADS = (-3.0, 1.0), 8.0
"""Of the network's input, as the task has them."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is measured; paths as text, since it travels to processes of their own."""

    size: int
    """Side of the frames and of the network's input in pixels."""
    frames: int
    """Frames of the run, the new one included."""
    folder: str
    """Model folder of the streaming network."""
    whole: str
    """ONNX graph of the bidirectional network on all frames."""
    run: str
    """.npz file with the pixels of the run and its mask."""


class Script:
    """Normalises as a careful user would, keeps the frames so far, and thresholds the answer."""

    def __init__(self, setting: Setting, network: Callable[[Any], Any], *, whole: bool) -> None:
        self._frames, self._size = frames_of(setting), setting.size
        self._network, self._whole = network, whole
        first = self._values(self._frames[0])
        low, self._middle, high = np.percentile(first, (16, 50, 84)).tolist()
        self._unit = SPREADS * (high - low) / 2
        self._so_far = np.stack([self._image(frame) for frame in self._frames])
        self.network_ms: list[float] = []

    def __call__(self) -> NDArray[np.bool_]:
        """The last frame of the run arrives."""
        self._so_far[-1] = self._image(self._frames[-1])
        started = perf_counter()
        log_odds = self._network(self._so_far if self._whole else self._so_far[-1:])
        self.network_ms.append((perf_counter() - started) * 1e3)
        return np.asarray(log_odds[0, 0] > 0)

    def _values(self, frame: Frame) -> NDArray[np.float32]:
        assert frame.mask is not None  # noqa: S101  frames_of gives one
        live, mask = (image.astype(np.float32) + 1 for image in (frame.pixels, frame.mask.pixels))
        difference = cv2.log(cv2.divide(live, mask))
        return cv2.resize(difference, (self._size, self._size), interpolation=cv2.INTER_AREA)

    def _image(self, frame: Frame) -> NDArray[np.float32]:
        return np.clip((self._values(frame) - self._middle) / self._unit, *LIMITS)


class Streamed:
    """The session, which remembers by itself."""

    def __init__(self, setting: Setting) -> None:
        self._session = Session[Any](setting.folder)
        for self._frame in frames_of(setting):
            self._session(self._frame).require()
        self.network_ms: list[float] = []

    def __call__(self) -> object:
        """The last frame of the run arrives; the cost of a step does not depend on the state."""
        self._frame = replace(self._frame, index=self._frame.index + 1)
        outcome = self._session(self._frame)
        self.network_ms.append(outcome.stages_ms["inference"])
        return outcome.require()


def by_onnxruntime(setting: Setting) -> Script:
    """All frames again, in ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    session = onnxruntime.InferenceSession(
        setting.whole, options, providers=["CPUExecutionProvider"]
    )
    return Script(setting, lambda x: session.run(None, {"sequence": x[None]})[0], whole=True)


def by_torch(setting: Setting) -> Script:
    """All frames again, in torch."""
    import torch

    torch.set_num_threads(cores())
    network = bidirectional().eval()

    @torch.no_grad()
    def answer(sequence: NDArray[np.float32]) -> Any:
        return network(torch.from_numpy(sequence)[None]).numpy()

    return Script(setting, answer, whole=True)


def step_by_torch(setting: Setting) -> Script:
    """The streaming step, in torch."""
    import torch

    torch.set_num_threads(cores())
    network = streaming().eval()
    state = network.initial_state(setting.size, setting.size)

    @torch.no_grad()
    def answer(frame: NDArray[np.float32]) -> Any:
        nonlocal state
        arteries, _, state = network.step(torch.from_numpy(frame)[None], state)
        return arteries.numpy()

    return Script(setting, answer, whole=False)


CONTESTANTS: Mapping[str, Callable[[Setting], Any]] = {
    "session, streaming step": Streamed,
    "ONNX Runtime script, all frames again": by_onnxruntime,
    "torch script, streaming step": step_by_torch,
    "torch script, all frames again": by_torch,
}


def streaming() -> Any:
    """The streaming network in the shape that is shipped, untrained."""
    from training.networks.artery_stream import StreamingVssNet

    return StreamingVssNet()


def bidirectional() -> Any:
    """VSS-Net in the same shape, untrained."""
    from training.networks.artery_sequence import VssNet
    from training.networks.artery_stream import SHIPPED

    return VssNet(SHIPPED)


def frames_of(setting: Setting) -> list[Frame]:
    """The run; its first frame is subtracted from all others."""
    with np.load(setting.run) as run:
        mask, pixels = Mask(pixels=run["mask"]), run["pixels"]
    return [
        Frame(pixels=np.ascontiguousarray(image), index=index, bits_stored=12, mask=mask)
        for index, image in enumerate(pixels)
    ]


def peak_mib(name: str, setting: Setting) -> float:
    """Peak memory of this process after a few new frames, above what its imports took."""
    if "torch" in name:
        import torch  # noqa: F401

        streaming()
    elif "ONNX" in name:
        import onnxruntime  # noqa: F401
    else:
        import sdk.backends.onnxruntime  # noqa: F401
    before = _peak_now_mib()
    answer = CONTESTANTS[name](setting)
    for _ in range(3):
        answer()
    return _peak_now_mib() - before


def _peak_now_mib() -> float:
    """By the kernel's table: `getrusage` would count the process that started this one."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(peak_mib(sys.argv[1], Setting(**json.loads(sys.argv[2]))))
