"""Which operations must stay in float: ranked by what each alone does to the outputs, then counted.

Ranking: every operation is quantised by itself (Wu et al., arXiv 2004.09602, section 5.1).
Counting: the fewest of the ranked operations with which the answers agree, by doubling and halving.
"""

import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
from onnx import NodeProto, TensorProto, helper

from calibration.candidate import Candidate, Source
from calibration.choose import decibel, energies
from calibration.graph import Node
from calibration.placement import Wiring
from calibration.qdq import Form, Writer
from calibration.quantisable import Quantisable, multiplications
from sdk.backends import Backend, open_backend


def rank(candidate: Candidate, source: Source) -> dict[int, float]:
    """Position of an INT8 operation -> signal over noise in dB if it alone is INT8, worst first.

    An addition that fuses into an operation is one of its own: its identity branch is rounded, and
    may be where the error is. Of the output and the frame that suffer most. One run per operation
    and frame.
    """
    graph, frames, placement = candidate.graph, source.frames, candidate.placement
    ranked = (*placement.weights, *placement.residuals)
    switches = {index: _switch(graph.nodes[index]) for index in ranked}
    steps = [(frame, index) for frame in range(len(frames)) for index in (None, *switches)]
    found, exact = dict.fromkeys(switches, np.inf), {}
    with closing(_open_switched(candidate, source.threads)) as backend:
        for frame, index in source.track(steps, "ranking operations"):
            if index is None:
                frames.fill(frame, backend.inputs)
                backend.run()
                exact = {name: tensor.copy() for name, tensor in backend.outputs.items()}
                continue
            backend.inputs[switches[index]][...] = 1
            backend.run()
            backend.inputs[switches[index]][...] = 0
            level = min(decibel(*energy) for energy in energies(exact, backend.outputs).values())
            found[index] = min(found[index], level)
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _open_switched(candidate: Candidate, threads: int | None) -> Backend:
    graph, placement = candidate.graph, candidate.placement
    reads = {(index, graph.nodes[index].inputs[0]) for index in placement.weights}
    reads |= set(placement.residuals.items())
    tensors = {tensor for _, tensor in reads}
    pairs = tuple(name for name in placement.tensorrt.pairs if name in tensors)
    writer = _Switched(graph, placement.weights, Wiring(pairs=pairs, reads=frozenset(reads)))
    writer.add_grids(candidate.ranges, Form.TENSORRT)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "switched.onnx"
        path.write_bytes(writer.finish())
        return open_backend(path, threads=threads)


def fewest(count: int, within: Callable[[int], bool]) -> int | None:
    """The least number in 1..`count` for which `within` is true, None if it never is.

    `within` is taken to stay true from some number on; it is asked about 2 log2 of the answer
    times.
    """
    low, high = 0, 1
    while not within(high):
        if high == count:
            return None
        low, high = high, min(2 * high, count)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if within(middle) else (middle, high)
    return high


def by_worth(graph: Quantisable, ranking: Mapping[int, float]) -> list[int]:
    """The ranked operations, first those whose noise falls most per multiplication left in float.

    Noise of operations is taken to add up. What costs no multiplication, such as the identity
    branch of an addition, comes before everything else.
    """

    def worth(index: int) -> tuple[bool, float]:
        cost, noise = multiplications(graph, [index]), 10 ** (-ranking[index] / 10)
        return cost == 0, noise / max(cost, 1)

    return sorted(ranking, key=worth, reverse=True)


class _Switched(Writer):
    """The float graph, in which each operation can be switched to INT8 by an input of the graph."""

    def _add_node(self, node: Node) -> None:
        rounded = [
            place
            for place, name in enumerate(node.inputs)
            if (node.index, name) in self._wiring.reads
        ]
        if not rounded:
            plain = NodeProto()
            plain.CopyFrom(self._graph.model.graph.node[node.index])
            self._nodes.append(plain)
            return
        switch = _switch(node)
        self._inputs.append(helper.make_tensor_value_info(switch, TensorProto.UINT8, []))
        self._make("Cast", [switch], f"{switch}/on", to=TensorProto.BOOL)
        super()._add_node(node)
        copy = self._nodes.pop()
        for place in (0, 1) if node.index in self._weights else rounded:
            inputs = [f"{switch}/on", copy.input[place], node.inputs[place]]
            copy.input[place] = f"{switch}/{place}"
            self._make("Where", inputs, f"{switch}/{place}")
        self._nodes.append(copy)


def _switch(node: Node) -> str:
    return f"{node.outputs[0]}/switch"
