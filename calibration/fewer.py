"""A second INT8 graph with half of its operations in float, for builders that refuse the first.

A device may have no kernel for one of many quantised operations (NVIDIA/TensorRT #3385, #4060,
#4832): fewer of them are fewer reasons to fail. Those go to float on which the outputs depend most,
so that it answers more exactly too.
"""

from dataclasses import replace

from calibration.candidate import Candidate, Source
from calibration.quantisable import WEIGHTED
from calibration.sensitivity import rank

RANKING_FRAMES = 2
"""Of those that give the ranges; every operation is run on each."""


def with_fewer(candidate: Candidate, source: Source) -> Candidate | None:
    """The same with the more sensitive half of its operations in float; None if it has one only."""
    few = replace(source, frames=source.frames.first(RANKING_FRAMES))
    order = [i for i in rank(candidate, few) if i in candidate.placement.weights]
    if len(order) < 2:
        return None
    weighted = {node.index for node in candidate.graph.nodes if node.op in WEIGHTED}
    floats = weighted - set(candidate.placement.weights)
    return candidate.with_float((), floats | set(order[: (len(order) + 1) // 2]))
