"""What TensorRT's runtime hands out, as a stand-in; see tensorrt_stand_in."""

import json
import struct

from tensorrt_stand_in_context import (
    EngineInspector,
    IExecutionContext,
    TensorFormat,
    TensorLocation,
)
from tensorrt_stand_in_objects import DataType, Strict, TensorIOMode, complain


class ICudaEngine(Strict):
    def __init__(self, content, graph, logger):
        self._content, self._graph, self._logger = content, graph, logger
        self._tensors = {name: rest for name, *rest in content["tensors"]}

    num_io_tensors = property(lambda self: len(self._tensors))

    def get_tensor_name(self, index):
        return list(self._tensors)[index]

    def get_tensor_mode(self, name):
        return TensorIOMode[self._tensors[name][0]]

    def get_tensor_dtype(self, name):
        return DataType[self._tensors[name][1]]

    def get_tensor_shape(self, name):
        return tuple(self._tensors[name][2])

    def get_tensor_location(self, name):
        return TensorLocation.DEVICE

    def get_tensor_format(self, name):
        return TensorFormat.LINEAR

    def create_execution_context(self):
        return IExecutionContext(self, self._logger)

    def create_engine_inspector(self):
        return EngineInspector()


class Runtime(Strict):
    def __init__(self, logger):
        if not getattr(logger, "_made", False):
            raise TypeError("__init__() must be called when overriding __init__")
        self._logger = logger

    def deserialize_cuda_engine(self, serialized_engine):
        """None, and the reason in the log, where the bytes are foreign or of another release."""
        data = bytes(serialized_engine)
        if data[:28] != self._release.header():
            complain(self._logger, "Version tag does not match")
            return None
        try:
            length = struct.unpack_from("<I", data, 28)[0]
            return ICudaEngine(
                json.loads(data[32 : 32 + length]), data[32 + length :], self._logger
            )
        except (struct.error, ValueError):
            complain(self._logger, "Serialization assertion failed")
            return None
