"""The record of building a model folder: which engine to run, and why not another."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sdk.engines.files import write_engine_file
from sdk.engines.places import engine_folder, short_key
from sdk.engines.sidecar import Machine
from sdk.errors import EngineError
from sdk.model_folder import ModelFolder
from sdk.typed_json import parse

GRAPHS = ("fp32", "fp16", "int8", "int8.fp16", "int8.fewer", "int8.fewer.fp16")
"""Graphs of a model folder that engines are built from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A rung of the ladder that was not taken."""

    precision: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What building a model folder on a machine came to.

    Attributes:
        chosen: precision of the engine to run.
        reason: why that one.
        plans: precision -> file name of its engine.
        steps: why others were left, in the order of the ladder.
        times_ms: precision -> median time of one run, where engines were timed.
    """

    chosen: str
    reason: str
    plans: Mapping[str, str]
    steps: tuple[Step, ...] = ()
    times_ms: Mapping[str, float] = field(default_factory=dict)


def choice_path(folder: ModelFolder, machine: Machine, cache: Path | None = None) -> Path:
    """Where the record of building a model folder lies; other weights, another record."""
    graphs = {
        precision: folder.manifest.files[name]
        for precision, name in folder.manifest.graphs.items()
        if precision in GRAPHS
    }
    return engine_folder(machine, cache) / f"{short_key(graphs)}.choice.json"


def write_choice(path: Path, choice: Choice) -> None:
    """Records a choice; engines of other precisions, built earlier, stay known.

    A damaged record is replaced: what was known by it is built again when it is asked for.
    """
    earlier = None
    with suppress(EngineError):
        earlier = read_choice(path)
    plans = {**(earlier.plans if earlier else {}), **choice.plans}
    content = asdict(choice) | {"plans": plans}
    write_engine_file(path, (json.dumps(content, indent=2) + "\n").encode())


def read_choice(path: Path) -> Choice | None:
    """Reads a record; None where nothing was built.

    Raises:
        EngineError: it is damaged.
    """
    try:
        return parse(Choice, json.loads(path.read_text(encoding="utf-8")), path.name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{path} is damaged ({error}); remove it and build again: angioedge build"
        ) from error
