"""Writes GroupNormalization, which no calibrated opset has, as exporters wrote it before."""

from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper

from calibration.graph import Graph, Node
from export.steps import Step, write_steps

SCALE_PER_CHANNEL = 21
"""The opset from which scale and bias are per channel; they were per group before."""
EPSILON = 1e-5
GROUPED: tuple[Step, ...] = (
    ("Reshape", ("x", "by_group"), "grouped"),
    ("InstanceNormalization", ("grouped", "one", "zero"), "normed"),
    ("Shape", ("x",), "shape"),
)
PER_CHANNEL: tuple[Step, ...] = (
    *GROUPED,
    ("Reshape", ("normed", "shape"), "apart"),
    ("Reshape", ("scale", "channels"), "factor"),
    ("Reshape", ("bias", "channels"), "shift"),
    ("Mul", ("apart", "factor"), "scaled"),
    ("Add", ("scaled", "shift"), "y"),
)
PER_GROUP: tuple[Step, ...] = (*GROUPED, ("Reshape", ("normed", "shape"), "y"))


def split_group_norms(model: ModelProto) -> int:
    """As InstanceNormalization of one channel per group, between two Reshape; returns how many.

    Shape inference (ONNX 1.23) says nothing of what lies behind the operator: each pass makes the
    next ones known. Those of unknown shape stay.
    """
    total = 0
    while found := _split_known(model):
        total += found
    return total


def _split_known(model: ModelProto) -> int:
    graph, nodes, count = Graph(model), list[NodeProto](), 0
    for node, proto in zip(graph.nodes, list(model.graph.node), strict=False):
        norm = node.op == "GroupNormalization" and not node.domain
        shape = graph.shape(node.inputs[0]) if norm else None
        count += shape is not None
        nodes += [proto] if shape is None else _steps(model, graph, node, len(shape))
    kept = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    model.graph.ClearField("node")
    model.graph.node.extend(kept)
    return count


def _steps(model: ModelProto, graph: Graph, node: Node, rank: int) -> list[NodeProto]:
    kind = helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(graph.dtype(node.inputs[0])))
    groups = int(node.attributes["num_groups"])
    constants: dict[str, Any] = {
        "by_group": np.array([0, groups, -1], np.int64),
        "one": np.ones(groups, kind),
        "zero": np.zeros(groups, kind),
        "channels": np.array([-1, *[1] * (rank - 2)], np.int64),
    }
    names = {**dict(zip(("x", "scale", "bias"), node.inputs, strict=True)), "y": node.outputs[0]}
    per_channel = graph.opset >= SCALE_PER_CHANNEL
    if not per_channel:
        names |= {"one": names["scale"], "zero": names["bias"]}
        del constants["one"], constants["zero"]
    made = write_steps(PER_CHANNEL if per_channel else PER_GROUP, names, constants, model)
    epsilon = float(node.attributes.get("epsilon", EPSILON))
    made[1].attribute.append(helper.make_attribute("epsilon", epsilon))
    return made
