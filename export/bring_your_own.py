"""Makes a model folder for the `segmentation` task out of a vendor's ONNX network."""

import io
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, shape_inference

from export.prepare import prepare
from sdk.backends import Backend, open_backend
from sdk.errors import ModelFolderError
from sdk.model_folder import (
    Golden,
    Manifest,
    ModelFolder,
    pack_golden,
    write_folder,
)
from sdk.tasks.segmentation import Layout, Segmentation, Values

GRAPH = "graph.fp32.onnx"
GRAINS = (1, 4, 16, 64)
"""Pixels of the squares in seeded images."""
KEPT = 2
"""Seeded images that become golden vectors."""
SAME = 1e-4
"""Largest accepted difference between a network as given and prepared; see `_difference`."""
Pair = tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]
"""Inputs and outputs of a run."""
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
    prepared: bool = True
    """Whether the graph may be written anew, computing the same: see `export.prepare`."""


def import_network(network: Path, out: Path, description: Description) -> ModelFolder:
    """Checks and prepares a network, fixes its shapes, records golden vectors, writes a folder.

    Raises:
        ModelFolderError: the file is no valid ONNX network, or no network of one float image in
            and one float map out; the message says what is wrong and what to do.
    """
    model, said = _load(network), dict[str, Any]()
    _fix_shapes(model, description)
    output = _chosen_output(model, description.output)
    given = model
    if description.prepared:
        model, said = prepare(model, [output.name])
    task = _describe_task(model, description)
    content = model.SerializeToString()
    pairs = _record_golden(content, task)
    if description.prepared:
        said["largest_difference"] = _difference(given, model, task, pairs)
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
            "prepared": said,
            "description": asdict(description),
        },
    )
    return write_folder(out, manifest, {GRAPH: content, "golden.npz": _packed(pairs)})


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
            f"{description.layout}; networks of single frames can be imported, not of volumes or "
            "signals"
        )
    rows = description.layout.index("H")
    wanted = {0: 1}
    if description.size is not None:
        wanted |= {rows: description.size[0], rows + 1: description.size[1]}
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
    if len(extents) not in {0, 4}:
        raise ModelFolderError(
            f"tensor {tensor.name} has {len(extents)} axes, {extents}, expected the 4 of an image "
            "or a map; networks that give boxes, classes or sequences are no segmentation"
        )
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


def _record_golden(content: bytes, task: Segmentation) -> list[Pair]:
    """Of seeded images of several grains, the two whose outputs vary most: a flat one tests little.

    What came out is of this machine.
    """
    images = [_seeded_image(task, grain) for grain in GRAINS]
    pairs = zip(images, _answers(content, task, images), strict=True)
    varied = sorted(pairs, key=lambda pair: -float(np.ptp(pair[1])))
    return [({task.input_name: x}, {task.output_name: y}) for x, y in varied[:KEPT]]


def _seeded_image(task: Segmentation, grain: int) -> NDArray[Any]:
    """Squares of `grain` pixels with random values, alike in every channel."""
    rows, columns = task.frame_size
    generator = np.random.default_rng(grain)
    coarse = generator.uniform(task.low, task.high, (-(-rows // grain), -(-columns // grain)))
    plane = np.repeat(np.repeat(coarse, grain, axis=0), grain, axis=1)[:rows, :columns]
    axis = 1 if task.layout == "NCHW" else 3
    image = np.broadcast_to(np.expand_dims(plane, (0, axis)), task.input_shape)
    return np.ascontiguousarray(image, task.input_dtype)


def _answers(content: bytes, task: Segmentation, images: list[NDArray[Any]]) -> list[NDArray[Any]]:
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / GRAPH
        graph.write_bytes(content)
        with closing(open_backend(graph)) as backend:
            return [_answer(backend, task, image) for image in images]


def _answer(backend: Backend, task: Segmentation, image: NDArray[Any]) -> NDArray[Any]:
    np.copyto(backend.inputs[task.input_name], image)
    backend.run()
    output: NDArray[Any] = backend.outputs[task.output_name].copy()
    if not np.isfinite(output).all():
        raise ModelFolderError(
            f"the network gives NaN or infinity for values in {task.low:g}..{task.high:g}; check "
            "--low and --high against what it was trained with"
        )
    return output


def _difference(
    given: onnx.ModelProto, model: onnx.ModelProto, task: Segmentation, pairs: list[Pair]
) -> float:
    """Largest difference between the graph as given and what it was made into.

    Relative to the range of its output, of 1 at least: a probability or a logit that moves by less
    than `SAME` moves no mask, and libraries differ by as much.
    """
    del given.graph.output[:]
    given.graph.output.extend(model.graph.output)  # whose shapes are known by now
    images = [inputs[task.input_name] for inputs, _ in pairs]
    exact = _answers(given.SerializeToString(), task, images)
    found = max(
        _apart(expected.astype(np.float64), outputs[task.output_name])
        for expected, (_, outputs) in zip(exact, pairs, strict=True)
    )
    if found > SAME:
        raise ModelFolderError(
            f"the prepared network answers differently, by {found:.2g} of its range, "
            f"expected at most {SAME:g}; import it with --as-it-is, and please report it"
        )
    return round(found, 9)


def _apart(expected: NDArray[np.float64], got: NDArray[Any]) -> float:
    return float(np.abs(got - expected).max() / max(1.0, np.ptp(expected)))


def _packed(pairs: list[Pair]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **pack_golden(pairs))
    return buffer.getvalue()
