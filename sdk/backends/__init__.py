"""Backends run a graph file; the suffix of the file chooses the library."""

from pathlib import Path

from sdk.backends.base import Backend
from sdk.backends.replay import ReplayBackend
from sdk.errors import ModelFolderError

__all__ = ["Backend", "ReplayBackend", "open_backend"]


def open_backend(graph: Path, *, threads: int | None = None) -> Backend:
    """Opens a graph with the library for its format, importing only that one.

    Raises:
        ModelFolderError: no library here opens such a file, or the library refuses it.
        BackendError: the library is not installed.
    """
    match graph.suffix:
        case ".onnx":
            from sdk.backends.onnxruntime import OnnxRuntimeBackend

            return OnnxRuntimeBackend(graph, threads=threads)
        case suffix:
            raise ModelFolderError(f"no backend opens {suffix!r} files, expected .onnx: {graph}")
