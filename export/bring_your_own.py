"""Makes a model folder for the `segmentation` task out of a vendor's ONNX network."""

import io
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, shape_inference

from sdk.backends import Backend, open_backend
from sdk.errors import ModelFolderError
from sdk.model_folder import Golden, Manifest, ModelFolder, pack_golden, write_folder
from sdk.tasks.segmentation import Layout, Segmentation, Values

GRAPH = "graph.fp32.onnx"
ELEMENT_TYPES = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16"}


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a graph does not say about itself."""

    layout: Layout = "NCHW"
    """Order of the axes of input and output."""
    values: Values = "logits"
    """What the output holds: logits, or probabilities after a sigmoid or softmax."""
    channel: int = 0
    """Which channel of the output is the vessels."""
    size: tuple[int, int] | None = None
    """(rows, columns) to fix where the graph leaves them open."""
    output: str | None = None
    """Name of the output to read, needed where there are several."""
    percentiles: tuple[float, float] = (1.0, 99.0)
    """Of the frame's values; they become `low` and `high`."""
    low: float = 0.0
    """Input value of the lower percentile."""
    high: float = 1.0
    """Input value of the upper percentile."""
    threshold: float = 0.5
    """Probability from which a pixel is vessel."""


def import_network(network: Path, out: Path, description: Description) -> ModelFolder:
    """Checks a network, fixes its shapes, records golden vectors and writes a model folder.

    Raises:
        ModelFolderError: the file is no valid ONNX network, or no network of one float image in
            and one float map out; the message says what is wrong and what to do.
    """
    model = _load(network)
    _fix_shapes(model, description)
    task = _describe_task(model, description)
    content = model.SerializeToString()
    golden = _record_golden(content, task)
    options = {f.name: getattr(task, f.name) for f in fields(task) if f.init}
    manifest = Manifest(
        task=Segmentation.name,
        options=options,
        graphs={"fp32": GRAPH},
        golden=Golden(),
        origin={
            "imported_from": network.name,
            "producer": f"{model.producer_name} {model.producer_version}".strip(),
            "opset": _opset(model),
            "description": asdict(description),
        },
    )
    return write_folder(out, manifest, {GRAPH: content, "golden.npz": golden})


def _load(network: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(network)
        onnx.checker.check_model(model, full_check=True)
    except FileNotFoundError as error:
        raise ModelFolderError(f"there is no file {network}") from error
    except Exception as error:  # protobuf, the checker and shape inference share no base class
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelFolderError(f"{network} is not a valid ONNX network: {reason}") from error
    return model


def _opset(model: onnx.ModelProto) -> int:
    return max(int(item.version) for item in model.opset_import if item.domain in {"", "ai.onnx"})


def _fix_shapes(model: onnx.ModelProto, description: Description) -> None:
    """Gives the input a batch of 1 and `size`; shape inference carries them to the output."""
    tensor = _only_input(model)
    extents = tensor.type.tensor_type.shape.dim
    if len(extents) != 4:
        raise ModelFolderError(
            f"input {tensor.name} has {len(extents)} axes, expected 4 in the order "
            f"{description.layout}"
        )
    rows = description.layout.index("H")
    wanted = {0: 1}
    if description.size is not None:
        wanted |= {rows: description.size[0], rows + 1: description.size[1]}
    for axis, extent in enumerate(extents):
        if axis in wanted and extent.dim_value in {0, wanted[axis]}:
            extent.dim_value = wanted[axis]
        elif axis in wanted or extent.dim_value == 0:
            raise ModelFolderError(_misfit(tensor.name, axis, extent.dim_value, wanted))
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    model.CopyFrom(inferred)


def _misfit(name: str, axis: int, extent: int, wanted: dict[int, int]) -> str:
    if axis in wanted:
        return (
            f"input {name} has {extent} along axis {axis}, which cannot become {wanted[axis]}; "
            "export the network with that size or a free one, and a batch of 1"
        )
    return f"input {name} leaves axis {axis} open; give --size ROWS COLUMNS, or check --layout"


def _only_input(model: onnx.ModelProto) -> Any:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [tensor for tensor in model.graph.input if tensor.name not in weights]
    if len(inputs) != 1:
        raise ModelFolderError(
            f"the network takes {len(inputs)} inputs ({_names(inputs)}), expected one image"
        )
    return inputs[0]


def _chosen_output(model: onnx.ModelProto, wanted: str | None) -> Any:
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


def _describe_task(model: onnx.ModelProto, description: Description) -> Segmentation:
    source, target = _only_input(model), _chosen_output(model, description.output)
    try:
        return Segmentation(
            input_name=source.name,
            input_shape=_shape(source),
            input_dtype=_dtype(source),
            output_name=target.name,
            output_shape=_shape(target),
            output_dtype=_dtype(target),
            layout=description.layout,
            values=description.values,
            channel=description.channel,
            percentiles=description.percentiles,
            low=description.low,
            high=description.high,
            threshold=description.threshold,
        )
    except ValueError as error:
        raise ModelFolderError(f"this is no network of the segmentation task: {error}") from error


def _shape(tensor: Any) -> tuple[int, int, int, int]:
    extents = tuple(extent.dim_value for extent in tensor.type.tensor_type.shape.dim)
    if len(extents) != 4 or 0 in extents:
        raise ModelFolderError(
            f"tensor {tensor.name} has shape {extents} (0 is open), expected 4 static extents; "
            "give --size ROWS COLUMNS, or export the network with static shapes"
        )
    return extents


def _dtype(tensor: Any) -> str:
    element = tensor.type.tensor_type.elem_type
    if element not in ELEMENT_TYPES:
        raise ModelFolderError(
            f"tensor {tensor.name} holds {TensorProto.DataType.Name(element)}, expected FLOAT or "
            "FLOAT16; move casts into the network"
        )
    return ELEMENT_TYPES[element]


def _record_golden(content: bytes, task: Segmentation) -> bytes:
    """Runs two seeded images on this machine and keeps what came out."""
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / GRAPH
        graph.write_bytes(content)
        backend = open_backend(graph)
        try:
            pairs = [_run_seeded(backend, task, seed) for seed in range(2)]
        finally:
            backend.close()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **pack_golden(pairs))
    return buffer.getvalue()


def _run_seeded(
    backend: Backend, task: Segmentation, seed: int
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    generator = np.random.default_rng(seed)
    image = generator.uniform(task.low, task.high, task.input_shape).astype(task.input_dtype)
    np.copyto(backend.inputs[task.input_name], image)
    backend.run()
    output = backend.outputs[task.output_name].copy()
    if not np.isfinite(output).all():
        raise ModelFolderError(
            f"the network gives NaN or infinity for values in {task.low:g}..{task.high:g}; check "
            "--low and --high against what it was trained with"
        )
    return {task.input_name: image}, {task.output_name: output}
