"""Adds quantised graphs to a model folder, so that it can be opened at every moment."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from calibration.errors import CalibrationError
from calibration.golden import Limits, limited
from sdk.model_folder import Manifest, ModelFolder, write_folder

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


@dataclass(frozen=True, kw_only=True)
class Quantised:
    """What joins a model folder.

    Attributes:
        files: name -> content, the names of `WRITTEN`.
        graphs: precision -> name of its file.
        golden: precision -> how closely a device must answer the golden vectors.
        origin: what the manifest's origin says under ``calibration``.
        precision_options: precision -> options of the task that differ for its graphs.
    """

    files: Mapping[str, bytes]
    graphs: Mapping[str, str]
    golden: Mapping[str, Limits]
    origin: Mapping[str, Any]
    precision_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


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
        golden=plain.golden and limited(plain.golden, quantised.golden),
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
        golden=manifest.golden and limited(manifest.golden, {}),
        origin={key: said for key, said in manifest.origin.items() if key != "calibration"},
        precision_options={},
    )
