"""A serialised engine: found, and checked before anything deserialises it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sdk.engines.choice import choice_path, read_choice
from sdk.engines.files import refuse_open_to_all
from sdk.engines.sidecar import Machine, Sidecar, read_sidecar
from sdk.errors import EngineError
from sdk.model_folder import ModelFolder


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
