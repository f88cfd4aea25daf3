"""Makes a model folder for the `segmentation` task out of a vendor's ONNX network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import onnx

from calibration.folder import WRITTEN
from export.foreign import (
    add_channel_axis,
    chosen_output,
    dtype,
    fix_shapes,
    load,
    only_input,
    opset,
    shape,
)
from export.normalisation import normalise_channels
from export.prepare import prepare
from export.seeded import GRAPH, difference, record_golden
from export.values import check_values, told_by
from sdk.errors import ModelFolderError
from sdk.golden import Golden, pack_golden
from sdk.model_folder import MANIFEST, Manifest, ModelFolder, write_folder
from sdk.tasks import options_of
from sdk.tasks.segmentation import Layout, Segmentation, Values


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a graph does not say about itself."""

    layout: Layout = "NCHW"
    """Order of the axes of input and output."""
    values: Values | None = None
    """What the output holds: logits, or probabilities after a sigmoid or softmax; None: what the
    last operation of the graph makes."""
    channel: int | None = None
    """Which channel of the output is the vessels; None: the first."""
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
    mean: tuple[float, ...] | None = None
    """Taken from each channel of the input, in the range of `low` to `high`; one for all, or one
    each. The graph does it."""
    std: tuple[float, ...] | None = None
    """By which each channel is divided then."""
    threshold: float = 0.5
    """Probability from which a pixel is vessel."""
    prepared: bool = True
    """Whether the graph may be written anew, computing the same: see `export.prepare`."""


def import_network(network: Path, out: Path, description: Description) -> ModelFolder:
    """Checks and prepares a network, fixes its shapes, records golden vectors, writes a folder.

    What is worth knowing about it stands in the manifest under ``origin.remarks``.

    Raises:
        ModelFolderError: the file is no network of one float image in and one float map out, or
            `out` holds something else; the message says what is wrong and what to do.
    """
    _check_target(out)
    given = load(network)
    fix_shapes(given, description.layout, description.size)
    normalise_channels(given, description.layout, description.mean, description.std)
    output = add_channel_axis(given, description.layout, description.output)
    told = told_by(given, output)
    model, said = prepare(given, [output]) if description.prepared else (given, dict[str, Any]())
    task = _describe_task(model, output, replace(description, values=description.values or told))
    content = model.SerializeToString()
    pairs = record_golden(content, task)
    found = [outputs[output] for _, outputs in pairs]
    channels = task.output_shape[description.layout.index("C")]
    remarks = check_values(task.values, told, found, channels)
    remarks += _about_channels(description, channels)
    if description.prepared:
        widened = "widened" in said
        said["largest_difference"] = difference(given, model, task, pairs, widened=widened)
    origin = {
        "imported_from": network.name,
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "opset": opset(model),
        "prepared": said,
        "description": asdict(description),
        "remarks": remarks + _about_halves(said) + _about_opset(said),
    }
    folder = write_folder(
        out, _manifest(task, origin), {GRAPH: content, "golden.npz": pack_golden(pairs)}
    )
    for name in WRITTEN:
        (out / name).unlink(missing_ok=True)  # calibrated from the network that was there
    return folder


def _manifest(task: Segmentation, origin: Mapping[str, Any]) -> Manifest:
    return Manifest(
        task=task.name,
        options=options_of(task),
        graphs={"fp32": GRAPH},
        golden=Golden(),
        origin=dict(origin),
    )


def _about_channels(description: Description, channels: int) -> list[str]:
    """Which channel is read, where there are several and nobody said so."""
    if channels == 1 or description.channel is not None:
        return []
    return [f"channel 0 of {channels} is read as the vessels; --channel names another"]


def _about_halves(said: Mapping[str, Any]) -> list[str]:
    """What became of a network of halves."""
    if "widened" not in said:
        return []
    remark = (
        "it held FP16 and computes in FP32 now, from which 'angioedge calibrate' makes FP16 and "
        "INT8; --as-it-is leaves the halves"
    )
    return [remark]


def _about_opset(said: Mapping[str, Any]) -> list[str]:
    """What to do where the opset could not be changed."""
    if "opset_left" not in said:
        return []
    remark = (
        f"its opset could not become one that is calibrated ({said['opset_left']}); it runs, and "
        "for INT8 export it with torch.onnx.export(..., opset_version=18), or with 17 and "
        "dynamo=False"
    )
    return [remark]


def _check_target(out: Path) -> None:
    """Refuses to write among files of something else."""
    ours = (out / MANIFEST).is_file()
    if not ours and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ModelFolderError(f"{out} exists and is no model folder; give a new one with --out")


def _describe_task(model: onnx.ModelProto, output: str, description: Description) -> Segmentation:
    source, target = only_input(model), chosen_output(model, output)
    kinds = dtype(source), dtype(target)
    try:
        return Segmentation(
            input_name=source.name,
            input_shape=shape(source),
            input_dtype=kinds[0],
            output_name=target.name,
            output_shape=shape(target),
            output_dtype=kinds[1],
            layout=description.layout,
            values=description.values or "logits",
            channel=description.channel or 0,
            percentiles=description.percentiles,
            low=description.low,
            high=description.high,
            threshold=description.threshold,
        )
    except ValueError as error:
        raise ModelFolderError(f"this is no network of the segmentation task: {error}") from error
