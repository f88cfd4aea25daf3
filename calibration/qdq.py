"""Writes Q/DQ into a graph, in the form of TensorRT or of x86."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from calibration.errors import CalibrationError
from calibration.graph import Node, names_read
from calibration.placement import Placement, Wiring
from calibration.quantisable import Quantisable, ceiling
from calibration.ranges import Range
from calibration.weights import LEVELS, quantise_weight, up_to_half

Biases = Mapping[int, NDArray[np.float32]]
"""Position of an operation -> its (channels,) bias."""


LOW_MARGIN = 1.25
"""How far below the smallest value seen a one-sided grid begins, of that value."""
SMALLER_STEP = 0.75
"""Of the symmetric step: below that a one-sided grid is worth a zero point of its own."""


class Form(Enum):
    """For whom a graph is written."""

    TENSORRT = "tensorrt"  # signed activations, zero point 0
    CPU = "cpu"  # unsigned, zero point 128, or 0 where nothing is negative: ReLU then fuses
    EXACT = "exact"  # unsigned, zero point 128: exactly the numbers of the signed form


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The 256 values that a quantised tensor can take: (integer - zero_point) * scale."""

    scale: np.float32
    zero_point: np.int8 | np.uint8


def grid_of(found: Range, form: Form, *, has_ceiling: bool = False) -> Grid:
    """The grid of a tensor; the forms differ by less than one signed step, for any value.

    The exact form has the values of the signed one. The grid of the CPU form takes the same step
    where nothing is negative and nothing is clipped, so that both compute the same numbers; where
    the signed one clips, it clips at the same value, in 255 steps instead of 127. So it does behind
    a ReLU with a ceiling, which the end of the grid then stands for. A range mostly above zero, as
    behind SiLU or GELU, gets a zero point of its own where that makes the steps a quarter smaller
    or more.
    """
    scale = _scale(found.limit / LEVELS)
    if form is Form.TENSORRT:
        return Grid(scale=scale, zero_point=np.int8(0))
    if form is Form.EXACT:
        return Grid(scale=scale, zero_point=np.uint8(128))
    if found.low < 0:
        return _one_sided(found, scale) or Grid(scale=scale, zero_point=np.uint8(128))
    if found.limit < found.high or has_ceiling:
        scale = _scale(found.limit / 255)
    return Grid(scale=scale, zero_point=np.uint8(0))


def _one_sided(found: Range, symmetric: np.float32) -> Grid | None:
    low, high = -found.low * LOW_MARGIN, min(found.high, found.limit)
    scale = _scale((low + high) / 255)
    if high <= 0 or scale > symmetric * SMALLER_STEP:
        return None
    return Grid(scale=scale, zero_point=np.uint8(np.rint(low / scale)))


def _reaches(grid: Grid) -> float:
    """From where values that the unsigned grid cannot tell from its last begin."""
    return (255 - 0.5 - float(grid.zero_point)) * float(grid.scale)


def _scale(exact: float) -> np.float32:
    return np.float32(up_to_half(np.asarray(exact)))


def write(
    graph: Quantisable,
    placement: Placement,
    ranges: Mapping[str, Range],
    form: Form,
    biases: Biases | None = None,
) -> bytes:
    """The quantised graph; the same arguments give the same bytes.

    `biases` replace those of operations that compute in INT8.

    Raises:
        CalibrationError: a weight is NaN or infinite.
    """
    wiring = placement.tensorrt if form is Form.TENSORRT else placement.cpu
    if form is Form.CPU and placement.x86 == "exact":
        form = Form.EXACT
    writer = Writer(graph, {**placement.weights, **wiring.weights}, wiring, biases)
    writer.add_grids(ranges, form)
    return writer.finish()


def write_tunable(graph: Quantisable, placement: Placement) -> bytes:
    """The signed form, whose scales are inputs of the graph: ranges can be tried without writing.

    Raises:
        CalibrationError: a weight is NaN or infinite.
    """
    writer = Writer(graph, placement.weights, placement.tensorrt)
    for name in placement.tensorrt.pairs:
        writer.scale_input(scale_name(name))
        writer.constant(f"{name}/zero_point", np.asarray(np.int8(0)))
    return writer.finish()


def scale_name(tensor: str) -> str:
    """Name of the scale of an activation in what is written."""
    return f"{tensor}/scale"


def dequantised_name(tensor: str) -> str:
    """Name of the dequantised form of a tensor in what is written."""
    return f"{tensor}/dequantised"


class Writer:
    """Copies a graph node by node, with pairs behind tensors and integers for weights."""

    def __init__(
        self,
        graph: Quantisable,
        weights: Mapping[int, int],
        wiring: Wiring,
        biases: Biases | None = None,
    ) -> None:
        self._graph = graph
        self._weights = weights
        self._wiring = wiring
        self._biases = biases or {}
        self._constants: dict[str, TensorProto] = {}
        self._inputs = [item for item in graph.model.graph.input if item.name in graph.inputs]
        self._outputs = list(graph.model.graph.output)
        self._nodes: list[NodeProto] = []
        self._without_ceiling: set[int] = set()

    def constant(
        self, name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
    ) -> None:
        self._constants[name] = numpy_helper.from_array(values, name)

    def add_grids(self, ranges: Mapping[str, Range], form: Form) -> None:
        for name in self._wiring.pairs:
            maker = self._graph.producer(name)
            end = ceiling(self._graph, maker) if maker else None
            grid = grid_of(ranges[name], form, has_ceiling=end is not None)
            if maker and end is not None and form is Form.CPU and _reaches(grid) < end:
                self._without_ceiling.add(maker.index)
            self.constant(scale_name(name), np.asarray(grid.scale))
            self.constant(f"{name}/zero_point", np.asarray(grid.zero_point))

    def scale_input(self, name: str) -> None:
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, []))

    def finish(self) -> bytes:
        paired = set(self._wiring.pairs)
        for name in self._graph.inputs:
            self._add_pair(name, paired)
        for node in self._graph.nodes:
            self._add_node(node)
            for name in node.outputs:
                self._add_pair(name, paired)
        model = self._assemble()
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _add_pair(self, name: str, paired: set[str]) -> None:
        if name not in paired:
            return
        quantised, form = f"{name}/quantised", [scale_name(name), f"{name}/zero_point"]
        self._make("QuantizeLinear", [name, *form], quantised)
        self._make("DequantizeLinear", [quantised, *form], dequantised_name(name))

    def _add_node(self, node: Node) -> None:
        copy = NodeProto()
        copy.CopyFrom(self._graph.model.graph.node[node.index])
        for place, name in enumerate(node.inputs):
            if (node.index, name) in self._wiring.reads:
                copy.input[place] = dequantised_name(name)
        if node.index in self._wiring.apart:
            copy.input[0] = self._parted(copy.input[0], node.name)
        if node.index in self._weights:
            copy.input[1] = self._add_weight(node.inputs[1], self._weights[node.index])
            self._replace_bias(copy, node.index)
        if node.index in self._without_ceiling and self._is_rounded(node):
            copy.op_type = "Relu"
            del copy.input[1:]
        self._nodes.append(copy)

    def _parted(self, tensor: str, node: str) -> str:
        """The same values behind an operation that ONNX Runtime does not see through."""
        self._make("Max", [tensor], f"{node}/parted")
        return f"{node}/parted"

    def _is_rounded(self, node: Node) -> bool:
        """Whether all that reads what it gives reads the pair behind it."""
        tensor, reads = node.outputs[0], self._wiring.reads
        readers = self._graph.readers(tensor)
        return tensor not in self._graph.outputs and all(
            (r.index, tensor) in reads for r in readers
        )

    def _replace_bias(self, copy: NodeProto, index: int) -> None:
        if index in self._biases:
            name = f"{copy.output[0]}/bias"
            self.constant(name, self._biases[index])
            del copy.input[2:]
            copy.input.append(name)

    def _add_weight(self, name: str, axis: int) -> str:
        stem = f"{name}/axis{axis}"
        if f"{stem}/scale" not in self._constants:
            try:
                integers, scales = quantise_weight(self._graph.values(name), axis)
            except ValueError as error:
                raise CalibrationError(f"weight {name} cannot be quantised: {error}") from error
            self.constant(f"{stem}/int8", integers)
            self.constant(f"{stem}/scale", scales)
            self.constant(f"{stem}/zero_point", np.zeros(scales.shape, np.int8))
            inputs = [f"{stem}/int8", f"{stem}/scale", f"{stem}/zero_point"]
            self._make("DequantizeLinear", inputs, dequantised_name(stem), axis=axis)
        return dequantised_name(stem)

    def _make(self, op: str, inputs: list[str], output: str, **attributes: Any) -> None:
        name = f"{output}/{op}"
        self._nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))

    def _assemble(self) -> ModelProto:
        model = ModelProto()
        model.CopyFrom(self._graph.model)
        graph = model.graph
        floats = {item.name: item for item in self._graph.model.graph.initializer}
        read = {item.name for item in self._outputs}.union(*map(names_read, self._nodes))
        for field in ("node", "input", "output", "initializer", "value_info"):
            graph.ClearField(field)
        graph.node.extend(
            node for node in self._nodes if node.op_type != "Constant" or node.output[0] in read
        )
        graph.input.extend(self._inputs)
        graph.output.extend(self._outputs)
        both = floats | self._constants
        graph.initializer.extend(item for name, item in both.items() if name in read)
        return model
