"""The one place that imports TensorRT: its module, names for its types, a logger that remembers."""

from collections import deque
from typing import Annotated, Any, TextIO, TypeAlias

from sdk.errors import BackendError

# The bindings bring no types. The name in each alias is the class that tests/tensorrt_api looks
# members up in: whoever takes or keeps an object of TensorRT annotates it with one of these.
Module: TypeAlias = Annotated[Any, "tensorrt"]
Logger: TypeAlias = Annotated[Any, "ILogger"]
Builder: TypeAlias = Annotated[Any, "Builder"]
Network: TypeAlias = Annotated[Any, "INetworkDefinition"]
Config: TypeAlias = Annotated[Any, "IBuilderConfig"]
Parser: TypeAlias = Annotated[Any, "OnnxParser"]
Monitor: TypeAlias = Annotated[Any, "IProgressMonitor"]
Runtime: TypeAlias = Annotated[Any, "Runtime"]
Engine: TypeAlias = Annotated[Any, "ICudaEngine"]
Context: TypeAlias = Annotated[Any, "IExecutionContext"]
Inspector: TypeAlias = Annotated[Any, "EngineInspector"]

MOST_MESSAGES = 200
ERRORS = ("INTERNAL_ERROR", "ERROR")


def load_tensorrt() -> Module:
    """Imports TensorRT; `sdk.engines.driver.probe_device` comes first.

    Raises:
        BackendError: it is not installed, or its libraries are not found.
    """
    try:
        import tensorrt
    except (ImportError, OSError) as error:
        raise BackendError(
            f"TensorRT cannot be imported ({error}); on a Jetson it comes with JetPack: make the "
            "virtual environment with --system-site-packages, do not install it with pip"
        ) from error
    return tensorrt


class Messages:
    """What TensorRT said, the last of it, and all of it in a file where one is given."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._last: deque[tuple[str, str]] = deque(maxlen=MOST_MESSAGES)
        self._file = file

    def add(self, severity: str, text: str) -> None:
        """Takes one message; `severity` is a name of TensorRT's enumeration."""
        self._last.append((severity, text))
        if self._file is not None:
            self._file.write(f"[{severity}] {text}\n")
            self._file.flush()

    def errors(self, most: int = 3) -> str:
        """The last errors in one line; says so where there are none."""
        found = [text.strip() for severity, text in self._last if severity in ERRORS]
        return "; ".join(found[-most:]) or "TensorRT gave no reason"


def make_logger(trt: Module, messages: Messages) -> Logger:
    """A logger of TensorRT that hands messages on; it must outlive what it is given to."""

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, msg: str) -> None:
            if severity != trt.ILogger.Severity.VERBOSE:  # thousands of lines a build
                messages.add(severity.name, msg)

    return Log()
