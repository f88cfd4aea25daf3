"""Writes an operator as a table of older ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

Step = tuple[str, tuple[str, ...], str]
"""Operator, what it reads, and what it gives; names are local to the operator that goes."""


def write_steps(
    steps: Sequence[Step], names: Mapping[str, str], constants: Mapping[str, Any], model: ModelProto
) -> list[NodeProto]:
    """The steps as nodes, their constants in the model; ``y`` is what the whole gives.

    Args:
        steps: the table.
        names: local name -> name in the graph, of what the whole reads and of ``y``.
        constants: local name -> values, of those that may be read.
        model: gets the constants that are read.
    """

    def full(name: str) -> str:
        return names.get(name) or f"{names['y']}/{name}"

    read = {name for _, inputs, _ in steps for name in inputs}
    for name in sorted(read & set(constants)):
        values = np.asarray(constants[name])
        model.graph.initializer.append(numpy_helper.from_array(values, full(name)))
    return [
        helper.make_node(op, [full(name) for name in inputs], [full(made)], name=full(made))
        for op, inputs, made in steps
    ]
