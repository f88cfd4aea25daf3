"""The TensorRT engine of this device: certified, and if there is none yet, built meanwhile."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sdk.acceptance.certificate import (
    REFERENCE,
    Certificate,
    qualify,
    read_certificate,
    write_certificate,
)
from sdk.acceptance.warm_up import make_ready
from sdk.backends import Backend, TakeoverBackend, open_backend
from sdk.engines import (
    BuildRequest,
    Device,
    Plan,
    Toolkit,
    Trials,
    build_engines,
    find_plan,
    open_toolkit,
)
from sdk.errors import BackendError, EngineError
from sdk.model_folder import ModelFolder
from sdk.tasks import Contract, contract_of

WANTED = "the TensorRT engine"


@dataclass(frozen=True, kw_only=True)
class TensorRT:
    """Asks a session for the TensorRT engine of this device."""

    cache: Path | None = None
    """Where engines are kept; None: the user's cache folder."""
    uncertified: bool = False
    """Run it without a passing certificate too; every outcome then says so."""
    cpu_first: bool = False
    """Where there is no certified engine yet, answer on the CPU, build and qualify one meanwhile,
    and let it take over when a run begins."""


def open_engine(
    folder: ModelFolder,
    contract: Contract,
    wanted: TensorRT,
    precision: str | None,
    threads: int | None,
) -> Backend:
    """Opens the engine of a model folder on this device, ready to answer.

    Args:
        folder: the model folder.
        contract: what it must fit.
        wanted: on what terms.
        precision: of the engine; None: the one chosen when it was built.
        threads: of the CPU, where it answers first; None: every core.

    Raises:
        BackendError: driver, TensorRT or PyCUDA is missing, or the engine does not run.
        EngineError: there is no engine, or no passing certificate for it.
    """
    toolkit = open_toolkit()
    plan, damage = _kept(folder, toolkit, wanted, precision)
    if plan and not (wanted.cpu_first and _objections(folder, plan, toolkit.device)):
        return _open_plan(folder, contract, plan, uncertified=wanted.uncertified)
    if not wanted.cpu_first:
        raise _no_engine(folder)
    on_cpu = cpu_twin(folder, precision)
    first = open_backend(folder.graph(on_cpu), threads=threads)
    first.precision = on_cpu
    make_ready(first, folder, contract, on_cpu)
    first.notes += damage

    def prepare() -> Backend:
        built = plan or _built(folder, toolkit, wanted, precision)
        if _objections(folder, built, toolkit.device):  # what was built now may be certified
            certify(folder, built, threads)
        contract = contract_of(folder, built.sidecar.precision)
        return _open_plan(folder, contract, built, uncertified=wanted.uncertified)

    return TakeoverBackend(first, prepare, wanted=WANTED)


def find_engine(folder: ModelFolder, precision: str | None, cache: Path | None) -> Plan:
    """The engine of a model folder on this device, certified or not.

    Raises:
        BackendError: driver or TensorRT is missing.
        EngineError: there is none, or it must not be loaded.
    """
    plan = find_plan(folder, open_toolkit().machine(), precision=precision, cache=cache)
    if plan is None:
        raise _no_engine(folder)
    return plan


def certify(folder: ModelFolder, plan: Plan, threads: int | None = None) -> Certificate:
    """Compares an engine with the CPU of this device and writes the verdict beside it.

    Args:
        folder: what it was built from.
        plan: the engine.
        threads: of the CPU; None: every core.

    Raises:
        ModelFolderError: there are no golden frames.
        BackendError: one of the two does not run.
    """
    from sdk.backends.tensorrt import open_plan

    contract = contract_of(folder, plan.sidecar.precision)
    with (
        closing(open_backend(folder.graph(REFERENCE), threads=threads)) as reference,
        closing(open_plan(plan, on_device=contract.on_device)) as engine,
    ):
        certificate = qualify(folder, contract, plan.sidecar.precision, reference, engine)
    write_certificate(certificate, certificate_path(plan))
    return certificate


def judge_with(folder: ModelFolder, threads: int | None = None) -> Callable[[Plan], str] | None:
    """What `build_engines` asks about every engine that it built: see `certify`.

    Gives the reason why it may not answer, or an empty text; the verdict stands beside the engine.

    Args:
        folder: what engines are built from. None comes back where it has no golden frames.
        threads: of the CPU; None: every core.
    """

    def objection(plan: Plan) -> str:
        try:
            return "; ".join(certify(folder, plan, threads).shortfalls)
        except BackendError as error:
            return f"it could not be qualified: {error}"

    return objection if folder.manifest.golden else None


def certificate_path(plan: Plan) -> Path:
    """Where the verdict on an engine stands."""
    return plan.path.with_suffix(".certificate.json")


def cpu_twin(folder: ModelFolder, precision: str | None) -> str:
    """Which graph answers on the CPU as an engine of this precision would."""
    twin = f"{precision}.cpu"
    return twin if twin in folder.manifest.graphs else REFERENCE


def _no_engine(folder: ModelFolder) -> EngineError:
    return EngineError(
        f"there is no engine of {folder.path} for this device yet; build and qualify it: "
        f"angioedge build {folder.path}"
    )


def _kept(
    folder: ModelFolder, toolkit: Toolkit, wanted: TensorRT, precision: str | None
) -> tuple[Plan | None, tuple[str, ...]]:
    """The engine that is kept; where the CPU may answer first, None and why if it is damaged."""
    try:
        return find_plan(folder, toolkit.machine(), precision=precision, cache=wanted.cache), ()
    except EngineError as error:
        if not wanted.cpu_first:
            raise
        return None, (f"the engine that is kept cannot be used, and is built again: {error}",)


def _built(folder: ModelFolder, toolkit: Toolkit, wanted: TensorRT, precision: str | None) -> Plan:
    from sdk.backends.tensorrt import time_ms

    request = BuildRequest(precision=precision, cache=wanted.cache)
    trials = Trials(time_ms=time_ms, accept=judge_with(folder))
    choice = build_engines(folder, toolkit, request, trials=trials)
    plan = find_plan(folder, toolkit.machine(), precision=choice.chosen, cache=wanted.cache)
    if plan is None:
        raise EngineError(f"the engine of {folder.path} that was just built is gone; build again")
    return plan


def _open_plan(
    folder: ModelFolder, contract: Contract, plan: Plan, *, uncertified: bool
) -> Backend:
    from sdk.backends.tensorrt import open_plan

    reasons = _objections(folder, plan, open_toolkit().device)
    if reasons and not uncertified:
        raise EngineError(
            f"{plan.path} has no certificate that it answers as the CPU does: "
            f"{'; '.join(reasons)}; qualify it: angioedge qualify {folder.path}"
        )
    backend: Backend = open_plan(plan, on_device=contract.on_device)
    if reasons:
        backend.notes = (f"this engine is not certified: {'; '.join(reasons)}",)
    return make_ready(backend, folder, contract, plan.sidecar.precision, check=not reasons)


def _objections(folder: ModelFolder, plan: Plan, device: Device) -> tuple[str, ...]:
    """Why an engine may not answer, in words; empty: its certificate vouches for it."""
    from sdk.backends.tensorrt import identity_of

    try:
        certificate = read_certificate(certificate_path(plan))
    except BackendError as error:
        return (str(error),)
    if certificate is None:
        return ("it was never qualified",)
    return certificate.objections(identity_of(plan, device), folder)
