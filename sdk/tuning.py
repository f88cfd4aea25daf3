"""What ``angioedge tune`` found to be fastest on this machine, and whether that still holds."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sdk.backends import version_of
from sdk.errors import BackendError, ModelFolderError
from sdk.files import write_whole
from sdk.machine import cores, processor
from sdk.model_folder import ModelFolder
from sdk.model_part import part_name
from sdk.typed_json import parse

FILE = "tuned.json"
"""Beside the manifest, which does not vouch for it: it belongs to one machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a graph of a model folder is run."""

    precision: str = "fp32"
    """Which of the graphs."""
    library: str = "onnxruntime"
    """Which library runs it."""
    threads: int | None = None
    """Threads of one inference; None: the library decides."""

    def __str__(self) -> str:
        threads = "" if self.threads is None else f", threads: {self.threads}"
        return f"{self.precision} on {self.library}{threads}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one setting took.

    Attributes:
        setting: which.
        rounds_ms: median inference of each round it took part in.
        median_ms: their median.
    """

    setting: Setting
    rounds_ms: tuple[float, ...]
    median_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The record of ``angioedge tune``.

    Attributes:
        chosen: what a session runs from then on.
        reason: why.
        measured: every setting that was timed, in the order in which a tie is decided.
        left_out: precision or library -> why it was not timed.
        machine: processor and cores.
        graphs: precision -> SHA-256 of its graph.
        versions: library -> version.
    """

    chosen: Setting
    reason: str
    measured: tuple[Measured, ...]
    left_out: Mapping[str, str]
    machine: Mapping[str, str]
    graphs: Mapping[str, str]
    versions: Mapping[str, str]


def describe_machine() -> dict[str, str]:
    """What a measurement holds for."""
    return {"processor": processor(), "cores": str(cores())}


def graph_hashes(folder: ModelFolder) -> dict[str, str]:
    """Precision -> SHA-256 of its graph."""
    manifest = folder.manifest
    return {precision: manifest.files[name] for precision, name in manifest.graphs.items()}


def record_path(folder: ModelFolder) -> Path:
    """Where the record of a model folder, or of one of its parts, lies."""
    name = part_name(folder)
    return folder.path / (f"tuned.{name}.json" if name else FILE)


def write_tuning(folder: ModelFolder, tuning: Tuning) -> Path:
    """Writes the record into the model folder.

    Raises:
        ModelFolderError: the folder cannot be written to.
    """
    path = record_path(folder)
    try:
        write_whole(path, (json.dumps(asdict(tuning), indent=1) + "\n").encode())
    except OSError as error:
        raise ModelFolderError(
            f"{path} cannot be written ({error.strerror}); copy the model folder to a place where "
            "it can"
        ) from error
    return path


def read_tuning(folder: ModelFolder) -> tuple[Tuning | None, str]:
    """The record of a model folder, and why it does not hold here; empty: it holds.

    No record is no reason: (None, "").
    """
    path = record_path(folder)
    if not path.exists():
        return None, ""
    try:
        tuning = parse(Tuning, json.loads(path.read_text(encoding="utf-8")), path.name)
    except (OSError, ValueError) as error:
        return None, f"it cannot be read ({error})"
    return tuning, _why_not(tuning, folder)


def settle(
    folder: ModelFolder, precision: str | None, library: str | None, threads: int | None
) -> tuple[Setting, tuple[str, ...]]:
    """What to run, and what a person should know about it.

    The record decides where neither precision nor library is asked for. A record that does not
    hold is ignored, which is one of the notes.
    """
    asked = Setting(precision=precision or "fp32", threads=threads)
    notes = []
    if library is not None:
        asked = replace(asked, library=library)
    elif precision is None:
        tuning, reason = read_tuning(folder)
        if reason:
            path = record_path(folder)
            notes.append(f"{path.name} is ignored: {reason}; run 'angioedge tune' on this machine")
        elif tuning is not None:
            asked = replace(tuning.chosen, threads=threads or tuning.chosen.threads)
    if asked.precision in folder.manifest.graphs and not folder.manifest.certified(asked.precision):
        graph = " ".join(filter(None, (part_name(folder), asked.precision)))
        notes.append(f"the {graph} graph is not certified to answer as fp32 does")
    return asked, tuple(notes)


def _why_not(tuning: Tuning, folder: ModelFolder) -> str:
    machine, chosen = describe_machine(), tuning.chosen
    if tuning.machine != machine:
        return f"it was measured on {_told(tuning.machine)}, this is {_told(machine)}"
    if tuning.graphs != graph_hashes(folder):
        return "the graphs were replaced since it was measured"
    if not folder.manifest.certified(chosen.precision):
        return f"it chose the {chosen.precision} graph, which is not certified"
    library, version = chosen.library, tuning.versions.get(chosen.library, "of no known version")
    try:  # the others are not imported: that takes long, and they do not run
        found = version_of(library)
    except BackendError:
        found = "missing"
    if found != version:
        return f"it was measured with {library} {version}, which is {found} here"
    return ""


def _told(machine: Mapping[str, str]) -> str:
    return f"{machine.get('processor', 'unknown')} with {machine.get('cores', '?')} cores"
