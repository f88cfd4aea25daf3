"""Types a graph in half precision for strongly typed builds; what must stay in FP32 says why."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, defs, helper, numpy_helper, shape_inference

from calibration.errors import CalibrationError
from calibration.rules import NORM

LARGEST = float(np.finfo(np.float16).max)
HEADROOM = 8.0
"""Other frames may reach that many times what was seen before a half overflows."""
SUM = "sums many values: halves would lose the small ones"
STEEP = "steep: overflows in halves, or loses what is small"
STAYS = {
    **dict.fromkeys(
        ("BatchNormalization", "GroupNormalization", "InstanceNormalization", "LayerNormalization",
         "LpNormalization", "MeanVarianceNormalization"), NORM),
    **dict.fromkeys(
        ("CumSum", "GlobalAveragePool", "ReduceL1", "ReduceL2", "ReduceMean", "ReduceSum",
         "ReduceSumSquare"), SUM),
    **dict.fromkeys(("Div", "Exp", "Log", "Pow", "ReduceLogSumExp", "Reciprocal"), STEEP),
}  # fmt: skip
"""Operators that stay in FP32, with the reason."""
ASKED = "the network casts to FP32 itself, here or before"
FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
PAIR = {"QuantizeLinear", "DequantizeLinear"}


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An operation that stays in FP32.

    Attributes:
        node: its name.
        op: operator.
        reason: why.
    """

    node: str
    op: str
    reason: str


def halve(model: ModelProto, largest: Mapping[str, float]) -> tuple[bytes, tuple[Kept, ...]]:
    """The graph with halves wherever they suffice; its inputs and outputs stay in FP32.

    Weights and activations become halves, the scales of Q/DQ pairs too (opset 19). Casts stand
    where the type changes.

    Args:
        model: a graph in FP32, with or without Q/DQ pairs.
        largest: largest magnitude seen of activations, by name.

    Raises:
        CalibrationError: the graph branches or loops, or holds operators that ONNX does not know.
    """
    typer = _Typer(model, largest)
    return typer.write(), tuple(
        Kept(node=node.name, op=node.op_type, reason=typer.reasons[index])
        for index, node in enumerate(model.graph.node)
        if index in typer.reasons
    )


class _Typer:
    """Decides node by node, then copies the graph with casts where the type changes."""

    def __init__(self, model: ModelProto, largest: Mapping[str, float]) -> None:
        self._model = model
        self._largest = largest
        self._opset = next(
            item.version for item in model.opset_import if item.domain in {"", "ai.onnx"}
        )
        self._constants = _constants(model)
        self._floats = _float_names(model) | {
            name for name, tensor in self._constants.items() if tensor.data_type == FLOAT
        }
        self.reasons: dict[int, str] = {}
        self._decide()
        self._nodes: list[NodeProto] = []
        self._made: dict[str, TensorProto] = {}
        self._names: dict[tuple[str, int], str] = {}

    def _decide(self) -> None:
        asked: set[str] = set()
        for index, node in enumerate(self._model.graph.node):
            if node.op_type == "Constant" and node.output[0] in self._constants:
                continue
            reason = ASKED if asked & set(node.input) else self._reason(node)
            if reason == ASKED:
                asked |= set(node.output)
            if reason and self._touches_floats(node):
                self.reasons[index] = reason
        self._decide_pairs()

    def _decide_pairs(self) -> None:
        """A pair stays in FP32 where all that reads it does, so that nothing parts them."""
        nodes = list(enumerate(self._model.graph.node))
        for index, node in reversed(nodes):
            if node.op_type not in PAIR:
                continue
            readers = [i for i, other in nodes if node.output[0] in other.input]
            if readers and all(i in self.reasons for i in readers):
                self.reasons.setdefault(index, self.reasons[readers[0]])
            elif self.reasons.get(index) != ASKED:
                self.reasons.pop(index, None)

    def _touches_floats(self, node: NodeProto) -> bool:
        return any(name in self._floats for name in (*node.input, *node.output))

    def _reason(self, node: NodeProto) -> str:
        if any(attribute.HasField("g") for attribute in node.attribute):
            raise CalibrationError(
                f"{node.op_type} {node.name} branches or loops; types follow none"
            )
        if node.op_type == "Cast" and helper.get_node_attr_value(node, "to") == FLOAT:
            return ASKED if node.input[0] in self._floats else "turns integers into FP32"
        if node.op_type in STAYS:
            return STAYS[node.op_type]
        if not any(name in self._floats for name in node.input):
            return "makes FP32 of no float"
        if not self._takes_halves(node):
            return "the operator takes no halves"
        return self._reach(node)

    def _takes_halves(self, node: NodeProto) -> bool:
        typed = _formal_types(node, self._opset)
        return any(
            typed[place] is None or "tensor(float16)" in (typed[place] or ())
            for place, name in enumerate(node.input)
            if name in self._floats
        )

    def _reach(self, node: NodeProto) -> str:
        """What an activation or a constant reaches that a half may not, empty if none does."""
        for name in (*node.input, *node.output):
            reached = self._largest.get(name, 0.0)
            if reached * HEADROOM > LARGEST:
                return f"reaches {reached:.4g}, a half ends at {LARGEST:.0f}"
            if name in self._constants and name in self._floats and node.op_type != "Clip":
                values = np.abs(numpy_helper.to_array(self._constants[name]))
                if values.size and values.max() > LARGEST:
                    return f"its constant reaches {values.max():.4g}, a half ends at {LARGEST:.0f}"
        return ""

    def write(self) -> bytes:
        """The typed graph."""
        source = self._model.graph
        self._names |= {(item.name, FLOAT): item.name for item in source.input}
        for index, node in enumerate(source.node):
            if node.op_type != "Constant" or node.output[0] not in self._constants:
                self._copy(node, FLOAT if index in self.reasons else HALF)
        for item in source.output:
            if item.name in self._floats:
                self._as(item.name, FLOAT)
        model = ModelProto()
        model.CopyFrom(self._model)
        for field in ("node", "initializer", "value_info"):
            model.graph.ClearField(field)
        model.graph.node.extend(self._nodes)
        model.graph.initializer.extend(self._made.values())
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _copy(self, node: NodeProto, kind: int) -> None:
        copy, typed = NodeProto(), _formal_types(node, self._opset)
        copy.CopyFrom(node)
        for place, name in enumerate(node.input):
            if name in self._constants and name not in self._floats:
                self._made[name] = self._constants[name]
            if name in self._floats:
                takes = typed[place]
                only_float = takes is not None and "tensor(float16)" not in takes
                copy.input[place] = self._as(name, FLOAT if only_float else kind)
        self._nodes.append(copy)
        for place, name in enumerate(node.output):
            if name in self._floats:
                copy.output[place] = f"{name}/half" if kind == HALF else name
                self._names[name, kind] = copy.output[place]

    def _as(self, name: str, kind: int) -> str:
        """The name of a float tensor in a type, cast or converted once if it has another."""
        if (name, kind) in self._names:
            return self._names[name, kind]
        target = name if kind == FLOAT else f"{name}/half"
        if name in self._constants:
            self._made[target] = _constant(self._constants[name], target, kind)
        else:
            source = self._names[name, HALF if kind == FLOAT else FLOAT]
            title = f"{target}/Cast"
            self._nodes.append(helper.make_node("Cast", [source], [target], name=title, to=kind))
        self._names[name, kind] = target
        return target


def _constants(model: ModelProto) -> dict[str, TensorProto]:
    found = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = TensorProto()
            tensor.CopyFrom(node.attribute[0].t)
            tensor.name = node.output[0]
            found[tensor.name] = tensor
    return found


def _constant(tensor: TensorProto, name: str, kind: int) -> TensorProto:
    values = np.asarray(numpy_helper.to_array(tensor))
    if kind == HALF:
        values = np.clip(values, -LARGEST, LARGEST).astype(np.float16)
    return numpy_helper.from_array(values, name)


def _float_names(model: ModelProto) -> set[str]:
    try:
        inferred = shape_inference.infer_shapes(model, strict_mode=True)
    except Exception as error:  # the library's own type, without a base class to name
        raise CalibrationError(f"the types of this graph cannot be told: {error}") from error
    graph = inferred.graph
    return {
        item.name
        for item in (*graph.input, *graph.value_info, *graph.output)
        if item.type.tensor_type.elem_type == FLOAT
    }


def _formal_types(node: NodeProto, opset: int) -> list[set[str] | None]:
    """What types each input of a node may have, None where the operator does not say."""
    if node.domain:
        raise CalibrationError(
            f"{node.op_type} {node.name} is of {node.domain}, whose types are not known"
        )
    schema = defs.get_schema(node.op_type, opset)
    allowed = {item.type_param_str: set(item.allowed_type_strs) for item in schema.type_constraints}
    formal = list(schema.inputs)
    types = [allowed.get(item.type_str, {item.type_str}) for item in formal]
    return [types[min(place, len(types) - 1)] for place in range(len(node.input))]
