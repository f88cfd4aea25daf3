"""What a rule is, and what it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from calibration.graph import Graph
from calibration.lint.targets import Target


class Severity(Enum):
    """How much a finding matters."""

    ERROR = "error"
    """The target refuses the graph, or computes something else than it says."""
    WARNING = "warning"
    """Slow, or less exact than it need be."""
    NOTE = "note"
    """Worth knowing before the graph is built."""


class Place(NamedTuple):
    """Where a rule is broken."""

    where: str
    """Name of the node or the tensor; ``graph`` for the file as a whole."""
    what: str
    """What was found there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One thing that some targets ask of a graph."""

    name: str
    """In words joined by hyphens, naming what is wrong."""
    severity: Severity
    """How much it matters, wherever it applies."""
    applies: Callable[[Target], bool]
    """Whether this target asks for it."""
    find: Callable[[Graph, Target], Iterator[Place]]
    """Every place where the graph breaks it."""
    reason: str
    """What the target does, and why."""
    remedy: str
    """What to do."""
    source: str
    """Who says so; "TRT #n" is a thread of NVIDIA/TensorRT, "ORT #n" of microsoft/onnxruntime."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A rule that a graph breaks."""

    rule: Rule
    """The rule."""
    places: tuple[Place, ...]
    """Where, in the order of the graph; never empty."""
