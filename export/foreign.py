"""Reads a vendor's ONNX file: which input and output, and every extent fixed."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from calibration.graph import sentence
from sdk.errors import ModelFolderError
from sdk.tasks.segmentation import Layout

TRAINING = 2
"""Place of the input of Dropout that says whether values drop out."""
ELEMENT_TYPES = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16"}


def load(network: Path) -> onnx.ModelProto:
    """The checked network of a file.

    Raises:
        ModelFolderError: there is none, it is not valid, or it was exported while it trained.
    """
    try:
        model = onnx.load(network)
        onnx.checker.check_model(model, full_check=True)
    except FileNotFoundError as error:
        raise ModelFolderError(f"there is no file {network}") from error
    except Exception as error:  # protobuf, the checker and shape inference share no base class
        message = f"{network} is not a valid ONNX network: {sentence(error)}"
        raise ModelFolderError(message) from error
    _refuse_training(model)
    return model


def _refuse_training(model: onnx.ModelProto) -> None:
    """Norms would use the statistics of the frame at hand, and values would drop out at random.

    Norms of weights are left alone: exporters write standardised weights so.
    """
    seen = {item.name for item in model.graph.input} - {i.name for i in model.graph.initializer}
    true = {item.name for item in model.graph.initializer if _is_true(item)}
    true |= {
        node.output[0]
        for node in model.graph.node
        if node.op_type == "Constant" and any(_is_true(item.t) for item in node.attribute)
    }
    for node in model.graph.node:
        nested = any(item.HasField("g") for item in node.attribute)  # what reads anything
        if seen.isdisjoint(node.input) and not nested:
            continue
        seen.update(node.output)
        drops = node.op_type == "Dropout" and not true.isdisjoint(node.input[TRAINING:])
        if drops or any(item.name == "training_mode" and item.i for item in node.attribute):
            raise ModelFolderError(
                f"{node.op_type} {node.name or node.output[0]} is in training mode, so that the "
                "network computes something else than it was trained to; call eval() before the "
                "export, and do not export with training=TrainingMode.TRAINING"
            )


def _is_true(constant: TensorProto) -> bool:
    return constant.data_type == TensorProto.BOOL and bool(numpy_helper.to_array(constant).all())


def opset(model: onnx.ModelProto) -> int:
    """Version of the operators of ONNX itself."""
    return max(int(item.version) for item in model.opset_import if item.domain in {"", "ai.onnx"})


def fix_shapes(model: onnx.ModelProto, layout: Layout, size: tuple[int, int] | None) -> None:
    """Gives the input a batch of 1 and `size`; shape inference carries them to the output.

    Raises:
        ModelFolderError: that does not fit, or no shapes come through operators of a library.
    """
    tensor = only_input(model)
    extents = tensor.type.tensor_type.shape.dim
    if len(extents) != 4:
        raise ModelFolderError(
            f"input {tensor.name} has {len(extents)} axes, expected 4 in the order "
            f"{layout}; networks of single frames can be imported, not of volumes or "
            "signals"
        )
    rows = layout.index("H")
    wanted = {0: 1}
    if size is not None:
        wanted |= {rows: size[0], rows + 1: size[1]}
    for axis, extent in enumerate(extents):
        given = max(0, extent.dim_value)  # some exporters write -1 where it is open
        if axis in wanted and given in {0, wanted[axis]}:
            extent.dim_value = wanted[axis]
        elif axis in wanted or given == 0:
            raise ModelFolderError(_misfit(tensor.name, axis, given, wanted))
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    model.CopyFrom(inferred)
    _refuse_unknown_operators(model)


def _refuse_unknown_operators(model: onnx.ModelProto) -> None:
    """Those of a library's own, where nothing is known of an output because of them."""
    known = {"", "ai.onnx", "ai.onnx.ml", *(function.domain for function in model.functions)}
    others = {f"{n.domain}.{n.op_type}" for n in model.graph.node if n.domain not in known}
    shapeless = [o for o in model.graph.output if not o.type.tensor_type.HasField("shape")]
    if others and shapeless:
        raise ModelFolderError(
            f"the network holds {', '.join(sorted(others))}, no operators of ONNX itself, as ONNX "
            "Runtime writes them when it stores an optimised graph; give the graph that the "
            "exporter wrote"
        )


def add_channel_axis(model: onnx.ModelProto, layout: Layout, wanted: str | None) -> str:
    """Gives a map without channels, (rows, columns) or (1, rows, columns), an axis of one.

    What has not the proportions of the image is no map and is left as it is. Returns the name of
    the output.
    """
    output, image = chosen_output(model, wanted), _extents(only_input(model))
    extents, rows = _extents(output), layout.index("H")
    kind = output.type.tensor_type.elem_type
    flat = len(extents) in {2, 3} and min(extents) > 0 and extents[:-2] in ([], [1])
    if not flat or kind not in ELEMENT_TYPES:
        return str(output.name)
    if extents[-2] * image[rows + 1] != extents[-1] * image[rows]:
        return str(output.name)
    name = f"{output.name}/map"
    spread = [1, *extents[-2:]]
    spread.insert(layout.index("C"), 1)
    numbers = numpy_helper.from_array(np.array(spread, np.int64), f"{name}/shape")
    model.graph.initializer.append(numbers)
    nodes = [helper.make_node("Reshape", [output.name, numbers.name], [name], name=name)]
    model.graph.node.extend(nodes)
    output.CopyFrom(helper.make_tensor_value_info(name, kind, spread))
    return name


def _extents(tensor: Any) -> list[int]:
    """Its extents, 0 where one is open."""
    return [max(0, extent.dim_value) for extent in tensor.type.tensor_type.shape.dim]


def _misfit(name: str, axis: int, extent: int, wanted: dict[int, int]) -> str:
    if axis in wanted:
        return (
            f"input {name} has {extent} along axis {axis}, which cannot become {wanted[axis]}; "
            "export the network with that size or a free one, and a batch of 1"
        )
    return f"input {name} leaves axis {axis} open; give --size ROWS COLUMNS, or check --layout"


def only_input(model: onnx.ModelProto) -> Any:
    """The image.

    Raises:
        ModelFolderError: there is another number of inputs.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [tensor for tensor in model.graph.input if tensor.name not in weights]
    if len(inputs) != 1:
        raise ModelFolderError(
            f"the network takes {len(inputs)} inputs ({_names(inputs)}), expected one image"
        )
    return inputs[0]


def chosen_output(model: onnx.ModelProto, wanted: str | None) -> Any:
    """The only output, or the one of a name.

    Raises:
        ModelFolderError: it is not to be told which.
    """
    outputs = list(model.graph.output)
    if wanted is None and len(outputs) == 1:
        return outputs[0]
    for output in outputs:
        if output.name == wanted:
            return output
    raise ModelFolderError(
        f"the network gives {_names(outputs)}; name the vessel map with --output"
        + (f", there is no {wanted}" if wanted else "")
    )


def _names(tensors: list[Any]) -> str:
    return ", ".join(tensor.name for tensor in tensors)


def shape(tensor: Any) -> tuple[int, int, int, int]:
    """Its extents.

    Raises:
        ModelFolderError: they are not the four of an image, or open.
    """
    extents = tuple(extent.dim_value for extent in tensor.type.tensor_type.shape.dim)
    if not extents:
        raise ModelFolderError(
            f"the shape of {tensor.name} does not follow from the graph; the network may not take "
            "the size of its input (try another with --size, multiples of 32), or holds operators "
            "of which ONNX knows no shapes"
        )
    if len(extents) != 4:
        raise ModelFolderError(
            f"tensor {tensor.name} has {len(extents)} axes, {extents}, expected the 4 of an image "
            "or a map; networks that give boxes, classes or sequences are no segmentation"
        )
    if 0 in extents:
        raise ModelFolderError(
            f"tensor {tensor.name} has shape {extents} (0 is open), expected 4 static extents; "
            "give --size ROWS COLUMNS, or export the network with static shapes"
        )
    return extents


def dtype(tensor: Any) -> str:
    """Name of its NumPy type.

    Raises:
        ModelFolderError: it is none of `ELEMENT_TYPES`.
    """
    element = tensor.type.tensor_type.elem_type
    if element not in ELEMENT_TYPES:
        raise ModelFolderError(
            f"tensor {tensor.name} holds {TensorProto.DataType.Name(element)}, expected FLOAT or "
            "FLOAT16; where it holds classes, export the logits before the argmax; where it is the "
            "image, export the network with a float one (values to 255 are --high 255 then)"
        )
    return ELEMENT_TYPES[element]
