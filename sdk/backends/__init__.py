"""Backends run a graph file; its suffix and the library asked for choose which."""

from pathlib import Path

from sdk import _native
from sdk.backends.base import Backend
from sdk.backends.replay import ReplayBackend
from sdk.backends.takeover import TakeoverBackend
from sdk.errors import BackendError, ModelFolderError

__all__ = [
    "LIBRARIES",
    "Backend",
    "ReplayBackend",
    "TakeoverBackend",
    "open_backend",
    "version_of",
]

LIBRARIES = ("onnxruntime", "openvino", "onnxruntime-cuda")
"""What runs .onnx graphs, the one that is always installed first."""


def open_backend(
    graph: Path,
    *,
    library: str = "onnxruntime",
    threads: int | None = None,
    on_device: bool = False,
) -> Backend:
    """Opens a graph with a library, importing only that one.

    Args:
        graph: path of the graph.
        library: one of `LIBRARIES`.
        threads: threads of one inference; None lets the library use every core.
        on_device: whether tensors may stay in a CUDA device's memory, where the kernels can too.

    Raises:
        ModelFolderError: no library here opens such a file, or the library refuses it.
        BackendError: the library or its device is not here, or there is no such library.
    """
    match graph.suffix, library:
        case ".onnx", "onnxruntime":
            from sdk.backends.onnxruntime import OnnxRuntimeBackend

            return OnnxRuntimeBackend(graph, threads=threads)
        case ".onnx", "onnxruntime-cuda" if on_device and _native.has_cuda:
            from sdk.backends.onnxruntime_cuda import OnnxRuntimeCudaBackend

            return OnnxRuntimeCudaBackend(graph, threads=threads)
        case ".onnx", "onnxruntime-cuda":
            from sdk.backends.onnxruntime import CUDA, OnnxRuntimeBackend

            return OnnxRuntimeBackend(graph, provider=CUDA, threads=threads)
        case ".onnx", "openvino":
            from sdk.backends.openvino import OpenVinoBackend

            return OpenVinoBackend(graph, threads=threads)
        case ".onnx", _:
            raise BackendError(f"there is no backend {library!r}, only {', '.join(LIBRARIES)}")
        case suffix, _:
            raise ModelFolderError(f"no backend opens {suffix!r} files, expected .onnx: {graph}")


def version_of(library: str) -> str:
    """Version of one of `LIBRARIES`, which is imported.

    Raises:
        BackendError: it or its device is not here, or there is no such library.
    """
    match library:
        case "onnxruntime":
            from sdk.backends.onnxruntime import VERSION
        case "onnxruntime-cuda":
            from sdk.backends.onnxruntime import CUDA, VERSION, check_provider

            check_provider(CUDA)
        case "openvino":
            from sdk.backends.openvino import VERSION
        case _:
            raise BackendError(f"there is no backend {library!r}, only {', '.join(LIBRARIES)}")
    return VERSION
