"""Runs ONNX graphs with ONNX Runtime on tensors that stay in a CUDA device's memory."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from sdk._native import DeviceStream
from sdk.backends.onnxruntime import CUDA, OnnxRuntimeBackend, check_provider, without_waiting
from sdk.errors import BackendError
from sdk.kernels import DeviceArray
from sdk.tensors import TensorSpec


class OnnxRuntimeCudaBackend(OnnxRuntimeBackend):
    """Runs one ONNX graph in a stream of its own, behind what filled its inputs there.

    Inputs, outputs and what is carried are arrays of the device, bound where they lie. The library
    computes in the same stream and does not wait for it.
    """

    def __init__(self, graph: Path, *, threads: int | None = None) -> None:
        """Loads a graph.

        Args:
            graph: path of an ONNX file with static shapes.
            threads: of the operators that the library runs on the host; there should be none.

        Raises:
            ModelFolderError, BackendError: as `OnnxRuntimeBackend`.
        """
        check_provider(CUDA)
        try:
            self._stream = DeviceStream()
        except RuntimeError as error:
            raise BackendError(f"there is no CUDA device to run on: {error}") from error
        super().__init__(graph, provider=CUDA, threads=threads)
        self._run_options = without_waiting()

    def _provider_options(self, provider: str) -> dict[str, str]:
        return {
            **super()._provider_options(provider),
            "user_compute_stream": str(self._stream.handle),
        }

    def _make(self, specs: Iterable[TensorSpec]) -> dict[str, Any]:
        tensors = {
            spec.name: DeviceArray(spec.shape, np.dtype(spec.dtype), self._stream.handle)
            for spec in specs
        }
        for tensor in tensors.values():
            tensor.clear()
        return tensors

    def _make_twins(self) -> dict[str, Any]:
        return {}

    def _place(self, tensor: Any) -> tuple[Any, ...]:
        address = tensor.__cuda_array_interface__["data"][0]
        return "cuda", 0, tensor.dtype, tensor.shape, address
