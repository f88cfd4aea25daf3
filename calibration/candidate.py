"""One way to quantise a network: where, in which ranges, with which biases."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from calibration.choose import Trial
from calibration.collect import CollectOptions, collect
from calibration.frames import Selection
from calibration.histogram import Histogram
from calibration.placement import Placement, place
from calibration.progress import Track
from calibration.qdq import Biases, Form, write
from calibration.quantisable import Quantisable, multiplications
from calibration.ranges import Range

TRIAL_FRAMES = 8
"""Of those that give the ranges, to choose a method on."""
FORMS = {"int8": Form.TENSORRT, "int8.cpu": Form.CPU}
"""Precision -> form of its graph."""
FEWER = "int8.fewer"
"""Precision of the graph with half of its operations in float."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidate:
    """One way to quantise a network.

    Attributes:
        graph: computes in float what the FP32 graph computes.
        placement: where Q/DQ goes.
        ranges: of every tensor that carries a pair.
        histograms: that gave the ranges.
        qualities: method of choosing ranges -> signal over noise of the outputs in dB.
        biases: of operations that compute in INT8, where they are not those of the graph.
    """

    graph: Quantisable
    placement: Placement
    ranges: Mapping[str, Range]
    histograms: Mapping[str, Histogram]
    qualities: Mapping[str, float]
    biases: Biases = field(default_factory=dict)

    def write(self, precision: str) -> bytes:
        """The graph of one precision of `FORMS`."""
        form = FORMS[precision]
        return write(self.graph, self.placement, self.ranges, form, self.biases)

    @property
    def int8_share(self) -> float:
        """Of the multiplications with weights, how many are done in INT8 by every form."""
        everything = multiplications(self.graph, range(len(self.graph.nodes)))
        return multiplications(self.graph, self.placement.weights) / everything

    def with_float(self, keep_float: Sequence[str], sensitive: Collection[int]) -> "Candidate":
        """The same, with more operations in float; what remains keeps its ranges."""
        x86, measured = self.placement.x86, self.ranges.keys()
        placement = place(self.graph, keep_float, sensitive, x86, measured)
        pairs, indices = set(placement.cpu.pairs), placement.weights
        return replace(
            self,
            placement=placement,
            ranges={name: item for name, item in self.ranges.items() if name in pairs},
            biases={index: bias for index, bias in self.biases.items() if index in indices},
        )


Choose = Callable[
    [Trial, Mapping[str, Histogram], Sequence[Sequence[str]], Track],
    tuple[dict[str, Range], dict[str, float]],
]
"""Chooses ranges, and says what each method did to the outputs."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """What candidates are made from.

    Attributes:
        path: the FP32 graph, to which every candidate shall be near.
        frames: give the ranges.
        choose: chooses the ranges.
        collecting: how ranges are collected.
        track: shows how far it is.
    """

    path: Path
    frames: Selection
    choose: Choose
    collecting: CollectOptions
    track: Track

    @property
    def threads(self) -> int | None:
        """Threads inside one operator; None: every core."""
        return self.collecting.threads

    def make(self, graph: Quantisable, placement: Placement) -> Candidate:
        """Collects the ranges of a graph and chooses between them.

        Raises:
            CalibrationError: an activation is NaN or infinite.
        """
        histograms = collect(graph, placement.cpu.pairs, self.frames, self.collecting, self.track)
        few = self.frames.first(TRIAL_FRAMES)
        with closing(Trial(graph, placement, few, self.path, self.threads)) as trial:
            ranges, qualities = self.choose(trial, histograms, placement.groups, self.track)
        return Candidate(
            graph=graph,
            placement=placement,
            ranges=ranges,
            histograms=histograms,
            qualities=qualities,
        )
