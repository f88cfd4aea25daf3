"""Stand-ins for engines: the same arithmetic on host memory, and on the device through copies.

What the copies of the stand-in move is kept apart, so that a test can count what the rest moves.
"""

from collections import Counter

import numpy as np

from sdk import Session, _native, kernels
from sdk.backends import Backend
from sdk.kernels import DeviceArray
from sdk.model_folder import Manifest, write_folder
from sdk.tasks import TASKS
from sdk.tensors import allocate


def quality(inputs):
    """Dark is vessel; the brighter, the better the grade."""
    frame = inputs["frame"]
    slopes = np.array([[-1.0, 0.0, 1.0]], np.float32)
    return {"vessels": 20 * (np.float32(0.5) - frame), "grade": frame.mean() * slopes}


def arteries(inputs):
    """Whatever was darker than the background is artery."""
    highest = np.maximum(inputs["highest_in"], -inputs["frame"])
    filled = -inputs["frame"] - 1
    return {"arteries": highest - 1, "filled": filled, "highest_out": highest}


def two_maps(inputs):
    """A map of what is dark, beside one of what is bright."""
    half = inputs["image"]
    return {"maps": np.concatenate([half, -half], 1)}


class HostEngine(Backend):
    """Computes on NumPy arrays; what is carried goes through the arithmetic under its own names."""

    def __init__(self, task, compute):
        self.name = "stand-in"
        self._compute = compute
        self.inputs, self.outputs = self._make(task.inputs), self._make(task.outputs)
        self._states, self._kept = dict(task.states), {}

    def _make(self, specs):
        return allocate(specs)

    def _computed(self):
        shape = next(iter(self.inputs.values())).shape
        inputs = {name: kernels.to_host(tensor) for name, tensor in self.inputs.items()}
        inputs |= {name: self._kept.get(name, np.zeros(shape, np.float32)) for name in self._states}
        outputs = self._compute(inputs)
        self._kept = {before: outputs[after] for before, after in self._states.items()}
        return {name: outputs[name].astype(np.float32) for name in self.outputs}

    def run(self):
        for name, value in self._computed().items():
            kernels.fill(self.outputs[name], value)

    def carry(self, states):
        assert states == self._states

    def begin_run(self):
        self._kept = {}

    def close(self):
        pass


class DeviceEngine(HostEngine):
    """The same on tensors in device memory, in a stream of its own."""

    def __init__(self, task, compute):
        self._stream = _native.DeviceStream()
        self.moved = Counter()
        super().__init__(task, compute)
        self.name = "stand-in-cuda"

    def _make(self, specs):
        return {
            spec.name: DeviceArray(spec.shape, np.dtype(spec.dtype), self._stream.handle)
            for spec in specs
        }

    def run(self):
        before = Counter(kernels.device_traffic())
        super().run()
        self.moved += Counter(kernels.device_traffic()) - before


def open_session(path, name, compute, kind, **options):
    """A session of a task on a stand-in, and the stand-in."""
    folder = write_folder(
        path,
        Manifest(task=name, options=options, graphs={"fp32": "graph.fp32.onnx"}),
        {"graph.fp32.onnx": b"a stand-in needs no graph"},
    )
    engine = kind(TASKS[name](**options), compute)
    return Session(folder.path, backend=engine), engine
