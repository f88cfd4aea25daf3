"""What runs and describes engines, as a stand-in; see tensorrt_stand_in.

An engine of the stand-in carries its graph, and ONNX Runtime computes it here.
"""

import json
from math import prod

import numpy as np
import pycuda_stand_in as cuda
from tensorrt_stand_in_objects import Strict, complain, enumeration

TensorLocation = enumeration("TensorLocation", "DEVICE HOST")
TensorFormat = enumeration("TensorFormat", "LINEAR CHW2 HWC8 CHW4")
LayerInformationFormat = enumeration("LayerInformationFormat", "ONELINE JSON")
SIZES = {"FLOAT": ("float32", 4), "HALF": ("float16", 2), "INT64": ("int64", 8)}


class IProfiler(Strict):
    def __init__(self):
        self._made = True

    def report_layer_time(self, layer_name, ms):
        raise NotImplementedError("a profiler must say what to do with a time")


class IExecutionContext(Strict):
    """Wants every input's shape, then every address, then to run, on a stream of its own."""

    settable = frozenset({"profiler"})

    def __init__(self, engine, logger):
        cuda.need_context()
        self._engine, self._logger = engine, logger
        self._shapes, self._addresses, self._runs = set(), {}, 0
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            engine._graph, options, providers=["CPUExecutionProvider"]
        )

    def _side(self, side):
        return [name for name, (mode, *_) in self._engine._tensors.items() if mode == side]

    def _no(self, text):
        complain(self._logger, text)
        return False

    def set_input_shape(self, name, shape):
        if name not in self._side("INPUT"):
            return self._no(f"{name} is not an input")
        if tuple(shape) != self._engine.get_tensor_shape(name):
            return self._no(f"{name} has a static shape, and this is another")
        self._shapes.add(name)
        return True

    def infer_shapes(self):
        return [name for name in self._side("INPUT") if name not in self._shapes]

    def set_tensor_address(self, name, memory):
        if name not in self._engine._tensors or not isinstance(memory, int):
            return self._no(f"no address for {name}")
        if self.infer_shapes():
            return self._no("addresses come after the shapes of all inputs")
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle):
        cuda.need_context()
        if self._addresses.keys() != self._engine._tensors.keys():
            return self._no("a tensor has no address")
        if stream_handle not in cuda.STREAMS:
            return self._no("the default stream adds synchronisation; no such stream")
        self._runs += 1
        if cuda.STREAMS[stream_handle].recording is not None and self._runs == 1:
            return self._no("a context must run once before a recording")
        addresses = dict(self._addresses)  # what is queued, and what a recording keeps
        cuda.STREAMS[stream_handle].queue(lambda: self._compute(addresses))
        return True

    def _compute(self, addresses):
        feeds = {name: self._read(name, addresses[name]) for name in self._side("INPUT")}
        outputs = self._side("OUTPUT")
        for name, value in zip(outputs, self._session.run(outputs, feeds), strict=True):
            cuda.write(addresses[name], np.ascontiguousarray(value).view(np.uint8).ravel())
        profiler = vars(self).get("profiler")
        if profiler is not None:
            profiler.report_layer_time("first", 0.25)
            profiler.report_layer_time("second", 0.5)

    def _read(self, name, address):
        _, kind, shape = self._engine._tensors[name]
        dtype, size = SIZES[kind]
        content = cuda.read(address, prod(shape) * size)
        return content.view(dtype).reshape(shape)


class EngineInspector(Strict):
    settable = frozenset({"execution_context"})

    def get_engine_information(self, format):  # noqa: A002  its name in the bindings
        assert format is LayerInformationFormat.JSON
        return json.dumps({"Layers": [{"Name": "first"}, {"Name": "second"}], "Bindings": []})
