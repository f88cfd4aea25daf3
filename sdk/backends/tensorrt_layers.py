"""What the layers of an engine are and what they cost, as TensorRT tells it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdk.engines.library import Module


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """The layers of an engine.

    Attributes:
        times_ms: layer -> mean milliseconds of one run, in the order in which they run.
        layers: one record per layer from the engine inspector; its fields depend on TensorRT and on
            the verbosity the engine was built with.
    """

    times_ms: Mapping[str, float]
    layers: tuple[Any, ...]


def make_profiler(trt: Module) -> tuple[Any, dict[str, list[float]]]:
    """A profiler for an execution context, and where it puts the times of each layer."""
    times_ms: dict[str, list[float]] = {}

    class Profiler(trt.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            times_ms.setdefault(layer_name, []).append(ms)

    return Profiler(), times_ms


def parse_layers(told: str) -> tuple[Any, ...]:
    """Layers in a report of the engine inspector; empty where it told nothing readable."""
    try:
        report = json.loads(told)
    except ValueError:
        return ()
    return tuple(report.get("Layers", ())) if isinstance(report, dict) else ()
