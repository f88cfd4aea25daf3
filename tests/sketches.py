"""Small ONNX graphs for the linter, drawn node by node."""

from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper, shape_inference

from calibration.lint import RULES, TARGETS, Graph, lint

CHANNELS = 32


class Sketch:
    """Draws a graph; every method returns the name of the tensor it made."""

    def __init__(self, opset: int = 17, ir_version: int = 8) -> None:
        self.opset, self.ir_version = opset, ir_version
        self.nodes, self.inputs, self.outputs, self.weights = [], [], [], []

    def input(self, shape=(1, CHANNELS, 8, 8), kind=TensorProto.FLOAT) -> str:
        name = f"input_{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def weight(self, values, kind=np.float32) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def node(self, op: str, *inputs: str, outputs: int = 1, **attributes) -> str:
        return self.several(op, *inputs, outputs=outputs, **attributes)[0]

    def several(self, op: str, *inputs: str, outputs: int, **attributes) -> list[str]:
        names = [f"{op}_{len(self.nodes)}_{index}" for index in range(outputs)]
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, names, name=name, **attributes))
        return names

    def quantise(self, tensor: str, scale=0.1, zero=0, kind=np.int8, **attributes) -> str:
        constants = self.weight(scale), self.weight(np.full_like(scale, zero, kind), kind)
        return self.node("QuantizeLinear", tensor, *constants, **attributes)

    def dequantise(self, tensor: str, scale=0.1, zero=0, kind=np.int8, **attributes) -> str:
        constants = self.weight(scale), self.weight(np.full_like(scale, zero, kind), kind)
        return self.node("DequantizeLinear", tensor, *constants, **attributes)

    def pair(self, tensor: str, scale=0.1, zero=0, kind=np.int8, **attributes) -> str:
        integers = self.quantise(tensor, scale, zero, kind, **attributes)
        return self.dequantise(integers, scale, zero, kind, **attributes)

    def conv(self, tensor: str, shape=(CHANNELS, CHANNELS, 1, 1), op="Conv", **attributes) -> str:
        """A float layer with weights of one."""
        return self.node(op, tensor, self.weight(np.ones(shape)), **attributes)

    def integer_conv(
        self, tensor: str, shape=(CHANNELS, CHANNELS, 1, 1), op="Conv", **attributes
    ) -> str:
        """A layer with a pair on its input and one scale for its weights."""
        weight = self.pair(self.weight(np.ones(shape)))
        return self.node(op, self.pair(tensor), weight, **attributes)

    def output(self, *tensors: str, shape=None, kind=TensorProto.FLOAT) -> "Sketch":
        for tensor in tensors:
            self.outputs.append(helper.make_tensor_value_info(tensor, kind, shape))
        return self

    def model(self) -> ModelProto:
        if not self.outputs:
            self.output(self.nodes[-1].output[0])
        graph = helper.make_graph(self.nodes, "sketch", self.inputs, self.outputs, self.weights)
        domains = {"": self.opset, "vendor": 1, "com.microsoft": 1}
        opsets = [helper.make_opsetid(name, version) for name, version in domains.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=self.ir_version)
        return shape_inference.infer_shapes(model)

    def save(self, path: Path) -> Path:
        onnx.save(self.model(), path)
        return path


def places(rule: str, sketch: Sketch, target: str = "tensorrt-10.3") -> list[str]:
    """Where a rule finds the graph broken, on a target that asks for the rule."""
    asked = next(r for r in RULES if r.name == rule)
    assert asked.applies(TARGETS[target]), f"{target} does not ask for {rule}"
    findings = lint(Graph(sketch.model()), TARGETS[target])
    return [
        f"{place.where}: {place.what}"
        for finding in findings
        if finding.rule.name == rule
        for place in finding.places
    ]


def is_silent(rule: str, target: str) -> bool:
    """Whether a target does not ask for a rule."""
    return not next(r for r in RULES if r.name == rule).applies(TARGETS[target])
