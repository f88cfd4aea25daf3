"""What stands beside an engine: from what, by what and for which machine it was built."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sdk.errors import EngineError
from sdk.typed_json import parse

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What an engine is bound to; on any other it must not be loaded.

    Attributes:
        tensorrt: full version of TensorRT.
        gpu: name of the device.
        sm: its compute capability without the point.
        l4t: release of Jetson Linux, empty on anything else.
        architecture: of the CPU.
    """

    tensorrt: str
    gpu: str
    sm: str
    l4t: str
    architecture: str

    def label(self) -> str:
        """A folder name that people can read."""
        gpu = "".join(letter if letter.isalnum() else "-" for letter in self.gpu.lower())
        board = f"_l4t-{self.l4t}" if self.l4t else ""
        return f"tensorrt-{self.tensorrt}_{gpu}_sm{self.sm}{board}_{self.architecture}"

    def differences(self, here: "Machine") -> tuple[str, ...]:
        """In words, what an engine built on this machine meets on another."""
        names = {
            "tensorrt": "TensorRT {}",
            "sm": "sm_{}",
            "gpu": "the device {}",
            "l4t": "Jetson Linux {}",
            "architecture": "a CPU of {}",
        }
        return tuple(
            f"was built for {phrase.format(getattr(self, name) or '(none)')}, "
            f"here is {phrase.format(getattr(here, name) or '(none)')}"
            for name, phrase in names.items()
            if getattr(self, name) != getattr(here, name)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineTensor:
    """One input or output of an engine."""

    name: str
    is_input: bool
    dtype: str
    """Name of TensorRT's enumeration, such as ``FLOAT``."""
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """The manifest of an engine.

    Attributes:
        plan_sha256: of the engine's bytes.
        plan_bytes: how many there are.
        graph: file name of the ONNX graph in its model folder.
        graph_sha256: of that graph.
        precision: ``int8``, ``int8.fewer``, ``fp16`` or ``fp32``.
        strongly_typed: whether the types of the graph were binding.
        flags: builder flags that were set.
        machine: what it is bound to.
        options: with which it was built.
        tensors: inputs and outputs.
        timing_cache_sha256: of the timing cache that the build read; empty if it began anew.
        cuda: newest CUDA version the driver served while building.
        build_s: how long it took.
        sdk_version: of angioedge.
        format_version: of this file.
    """

    plan_sha256: str
    plan_bytes: int
    graph: str
    graph_sha256: str
    precision: str
    strongly_typed: bool
    flags: tuple[str, ...]
    machine: Machine
    options: Mapping[str, int]
    tensors: tuple[EngineTensor, ...]
    timing_cache_sha256: str
    cuda: str
    build_s: float
    sdk_version: str
    format_version: int = FORMAT_VERSION

    def to_json(self) -> bytes:
        """The file's content; `read_sidecar` is the inverse."""
        return (json.dumps(asdict(self), indent=2) + "\n").encode()


def read_sidecar(path: Path) -> Sidecar:
    """Reads the file beside an engine.

    Raises:
        EngineError: it is missing, damaged, foreign or newer than this SDK.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise EngineError(
            f"{path} is missing; an engine without it is foreign and is not loaded, "
            "build it here: angioedge build"
        ) from error
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} cannot be read: {error}; {_again()}") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise EngineError(
            f"{path} has format version {version}, expected {FORMAT_VERSION}; {_again()}"
        )
    try:
        return parse(Sidecar, content, path.name)
    except ValueError as error:
        raise EngineError(f"{path} does not fit: {error}; {_again()}") from error


def _again() -> str:
    return "build the engine again: angioedge build"
