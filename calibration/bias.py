"""Bias correction: quantisation moves the mean of a channel, and the bias takes it back.

Every convolution is compared with itself in float, both fed with the float activations, so that all
of them are corrected from one pass over the frames, in memory O(channels) (empirical correction,
Nagel et al., ICCV 2019, section 4.2).
"""

import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper

from calibration.candidate import Candidate, Source
from calibration.graph import Node
from calibration.qdq import Form, Writer
from calibration.quantisable import Quantisable
from sdk.backends import open_backend


def mean_shifts(candidate: Candidate, source: Source) -> dict[int, NDArray[np.float64]]:
    """Position of an INT8 convolution -> by how much quantisation moves the mean of each channel.

    Matrix products have no bias to correct, and are left out.
    """
    graph, placement = candidate.graph, candidate.placement
    writer = _Beside(graph, placement.weights, placement.tensorrt)
    writer.add_grids(candidate.ranges, Form.TENSORRT)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "beside.onnx"
        path.write_bytes(writer.finish())
        backend = open_backend(path, threads=source.threads)
    names = {i: _shift(graph.nodes[i]) for i in placement.weights if graph.nodes[i].op == "Conv"}
    with closing(backend):
        totals = {index: np.zeros(backend.outputs[name].shape) for index, name in names.items()}
        for frame in source.track(range(len(source.frames)), "means of channels"):
            source.frames.fill(frame, backend.inputs)
            backend.run()
            for index, name in names.items():
                totals[index] += backend.outputs[name]
    return {index: total / len(source.frames) for index, total in totals.items()}


def corrected(
    graph: Quantisable, shifts: Mapping[int, NDArray[np.float64]]
) -> dict[int, NDArray[np.float32]]:
    """Position -> (channels,) bias that takes the shift back."""
    biases = {}
    for index, shift in shifts.items():
        inputs = graph.nodes[index].inputs
        given = graph.values(inputs[2]) if len(inputs) > 2 and inputs[2] else 0.0
        biases[index] = (given - shift).astype(np.float32)
    return biases


class _Beside(Writer):
    """The float graph, beside every convolution its INT8 form, fed alike; gives the shifts."""

    def _add_node(self, node: Node) -> None:
        plain = NodeProto()
        plain.CopyFrom(self._graph.model.graph.node[node.index])
        self._nodes.append(plain)
        if node.index not in self._weights or node.op != "Conv":
            return
        super()._add_node(node)
        exact, got = node.outputs[0], f"{node.outputs[0]}/beside"
        self._nodes[-1].output[0] = got
        self._nodes[-1].name = got
        self._make("Sub", [got, exact], f"{got}/difference")
        shape = self._graph.shapes[exact]
        axes = [axis for axis in range(len(shape)) if axis != 1]
        self._make("ReduceMean", [f"{got}/difference"], _shift(node), axes=axes, keepdims=0)
        info = helper.make_tensor_value_info(_shift(node), TensorProto.FLOAT, [shape[1]])
        self._outputs.append(info)


def _shift(node: Node) -> str:
    return f"{node.outputs[0]}/shift"
