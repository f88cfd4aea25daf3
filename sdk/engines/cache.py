"""Engines beside the user's data: where they lie, how one is found, and what is refused unread."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sdk.engines.files import refuse_open_to_all, write_whole
from sdk.engines.sidecar import Machine, Sidecar, read_sidecar
from sdk.errors import EngineError
from sdk.model_folder import ModelFolder

GRAPHS = ("fp32", "fp16", "int8", "int8.fewer")
"""Graphs of a model folder that engines are built from."""
SHORT_KEY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A serialised engine that was checked and may be deserialised.

    Attributes:
        data: the very bytes that were hashed.
        sidecar: what it says about itself.
        path: where it lies; records about it stand beside it, with other suffixes.
    """

    data: bytes
    sidecar: Sidecar
    path: Path


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


def default_cache() -> Path:
    """Where engines are kept unless told otherwise: the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "angioedge" / "engines"


def engine_folder(machine: Machine, cache: Path | None = None) -> Path:
    """Where the engines of one machine lie."""
    return (cache or default_cache()) / machine.label()


def choice_path(folder: ModelFolder, machine: Machine, cache: Path | None = None) -> Path:
    """Where the record of building a model folder lies; other weights, another record."""
    graphs = {
        precision: folder.manifest.files[name]
        for precision, name in folder.manifest.graphs.items()
        if precision in GRAPHS
    }
    return engine_folder(machine, cache) / f"{short_key(graphs)}.choice.json"


def short_key(content: object) -> str:
    """The beginning of the SHA-256 of something that JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:SHORT_KEY]


def write_choice(path: Path, choice: Choice) -> None:
    """Records a choice; engines of other precisions, built earlier, stay known."""
    earlier = read_choice(path)
    plans = {**(earlier.plans if earlier else {}), **choice.plans}
    content = asdict(choice) | {"plans": plans}
    write_whole(path, (json.dumps(content, indent=2) + "\n").encode())


def read_choice(path: Path) -> Choice | None:
    """Reads a record; None where nothing was built.

    Raises:
        EngineError: it is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        steps = tuple(Step(**step) for step in content.pop("steps"))
        return Choice(**content, steps=steps)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EngineError(
            f"{path} is damaged ({error}); remove it and build again: angioedge build"
        ) from error


def find_plan(
    folder: ModelFolder,
    machine: Machine,
    *,
    precision: str | None = None,
    cache: Path | None = None,
) -> Plan | None:
    """The engine of a model folder on this machine; None where there is none yet.

    Args:
        folder: the model folder.
        machine: this machine, as `Toolkit.machine` tells.
        precision: of the engine; None takes the one that was chosen when building.
        cache: where engines are kept; None takes `default_cache`.

    Raises:
        EngineError: there is one, and it must not be loaded; the reason is said.
    """
    record = choice_path(folder, machine, cache)
    choice = read_choice(record)
    name = choice and choice.plans.get(precision or choice.chosen)
    if not name:
        return None
    plan = load_plan(record.with_name(Path(name).name), machine)
    if plan.sidecar.graph_sha256 != folder.manifest.files.get(plan.sidecar.graph):
        raise EngineError(
            f"{plan.path} was built from another graph than {folder.path / plan.sidecar.graph}; "
            "build it again: angioedge build"
        )
    return plan


def load_plan(path: Path, machine: Machine) -> Plan:
    """Reads an engine and checks it before anything deserialises it.

    Raises:
        EngineError: it is missing, foreign, truncated, altered, open to everybody, or was built
            for another machine.
    """
    if not path.is_file():
        raise EngineError(f"{path} is missing; build it again: angioedge build")
    sidecar = read_sidecar(path.with_suffix(".json"))
    if differences := sidecar.machine.differences(machine):
        raise EngineError(f"{path} {' and '.join(differences)}; build it here: angioedge build")
    refuse_open_to_all(path)
    data = path.read_bytes()
    if len(data) != sidecar.plan_bytes:
        raise EngineError(
            f"{path} is truncated or foreign: expected {sidecar.plan_bytes} bytes, found "
            f"{len(data)}; build it again: angioedge build"
        )
    found = hashlib.sha256(data).hexdigest()
    if found != sidecar.plan_sha256:
        raise EngineError(
            f"{path} was altered since it was built: expected SHA-256 "
            f"{sidecar.plan_sha256[:12]}…, found {found[:12]}…; build it again: angioedge build"
        )
    return Plan(data=data, sidecar=sidecar, path=path)
