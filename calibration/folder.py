"""Adds quantised graphs to a model folder, so that it can be opened at every moment."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.errors import CalibrationError
from sdk.backends import Backend
from sdk.model_folder import Manifest, ModelFolder, relative_difference, write_folder

GRAPHS = {
    "int8": "graph.int8.onnx",
    "int8.cpu": "graph.int8.cpu.onnx",
    "fp16": "graph.fp16.onnx",
    "int8.fp16": "graph.int8.fp16.onnx",
    "int8.fewer": "graph.int8.fewer.onnx",
    "int8.fewer.fp16": "graph.int8.fewer.fp16.onnx",
}
"""Precision -> file; a form that a network does not allow is left out."""
RANGES = "ranges.json"
REPORT = "calibration_report.json"
PAGE = "calibration_report.html"
NETWORKS = ("detector", "regions")
"""Of a folder that answers volumes: each has a graph per precision."""
WRITTEN = {*GRAPHS.values(), RANGES, REPORT, PAGE} | {
    f"{network}.{end}" for network in NETWORKS for end in (*(f"{p}.onnx" for p in GRAPHS), RANGES)
}
GOLDEN_MARGIN = 2.0
"""A device may differ from the golden vectors by twice what the workstation found."""


@dataclass(frozen=True, kw_only=True)
class Quantised:
    """What joins a model folder.

    Attributes:
        files: name -> content, the names of `WRITTEN`.
        graphs: precision -> name of its file.
        golden: precision -> output -> tolerance on the golden vectors.
        origin: what the manifest's origin says under ``calibration``.
        precision_options: precision -> options of the task that differ for its graphs.
    """

    files: Mapping[str, bytes]
    graphs: Mapping[str, str]
    golden: Mapping[str, Mapping[str, float]]
    origin: Mapping[str, Any]
    precision_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def golden_tolerances(folder: ModelFolder, backend: Backend) -> dict[str, float]:
    """Output -> what a quantised graph may differ from the golden vectors by: twice what it did.

    The vectors are the frames of one run: what the backend carries, it carries through them.
    """
    least = folder.manifest.golden.tolerance if folder.manifest.golden else 0.0
    found: dict[str, float] = {}
    backend.begin_run()
    for inputs, recorded in folder.golden():
        if set(inputs) != set(backend.inputs):
            continue  # of another graph of the folder
        for name, tensor in inputs.items():
            np.copyto(backend.inputs[name], tensor)
        backend.run()
        for name, expected in recorded.items():
            allowed = GOLDEN_MARGIN * relative_difference(expected, backend.outputs[name])
            found[name] = round(max(allowed, found.get(name, least)), 6)
    return found


def check_target(out: Path | None) -> None:
    """Refuses a folder that is there already.

    Raises:
        CalibrationError: it is there.
    """
    if out is not None and out.exists():
        raise CalibrationError(
            f"{out} is there already; give a new folder, or none to add to the model folder itself"
        )


def add(folder: ModelFolder, quantised: Quantised, out: Path | None) -> ModelFolder:
    """Writes the quantised graphs into the folder, or into a copy at `out`.

    An interruption leaves a folder that opens: the new manifest comes last, and files that the
    old one vouches for are taken out of it before they are replaced.

    Raises:
        ModelFolderError: the folder cannot be read back.
    """
    manifest = folder.manifest
    kept = {
        name: (folder.path / name).read_bytes() for name in manifest.files if name not in WRITTEN
    }
    plain = _without(manifest)
    complete = replace(
        plain,
        graphs={**plain.graphs, **quantised.graphs},
        precision_options=dict(quantised.precision_options),
        golden=plain.golden and replace(plain.golden, tolerances=dict(quantised.golden)),
        origin={**plain.origin, "calibration": dict(quantised.origin)},
    )
    if out is None:
        if WRITTEN & set(manifest.files):
            write_folder(folder.path, plain, kept)
        return write_folder(folder.path, complete, kept | dict(quantised.files))
    with ExitStack() as stack:
        partial = out.with_name(out.name + ".partial")
        stack.callback(shutil.rmtree, partial, ignore_errors=True)
        write_folder(partial, complete, kept | dict(quantised.files))
        partial.rename(out)
    return ModelFolder.open(out)


def _without(manifest: Manifest) -> Manifest:
    """The manifest as it was before its folder was quantised."""
    return replace(
        manifest,
        graphs={key: name for key, name in manifest.graphs.items() if name not in WRITTEN},
        golden=manifest.golden and replace(manifest.golden, tolerances={}),
        origin={key: said for key, said in manifest.origin.items() if key != "calibration"},
        precision_options={},
    )
