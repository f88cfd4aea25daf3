"""Builds the engines of a model folder on this device and records which one to run."""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from sdk.engines.choice import Choice, choice_path, write_choice
from sdk.engines.ladder import Ladder, Trials
from sdk.engines.options import BuildOptions, default_workspace_mib
from sdk.engines.progress import Watch, unwatched
from sdk.engines.recipe import ladder_of
from sdk.engines.toolkit import Toolkit
from sdk.engines.workshop import Workshop
from sdk.model_folder import ModelFolder

_BUILDING = Lock()
"""One build at a time: two would share the memory, and each would be timed beside the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What to build, and within which limits.

    Attributes:
        precision: ``int8``, ``fp16`` or ``fp32``, that one or none; None takes what runs fastest
            of those below FP32 that are accepted, and FP32 where nothing else is.
        workspace_mib: memory that a layer may use; None takes a quarter of the device's.
        optimization_level: 0 builds fastest, 5 searches longest.
        cache: where engines are kept; None takes the user's cache folder.
        rebuild: build even what is kept.
    """

    precision: str | None = None
    workspace_mib: int | None = None
    optimization_level: int = 3
    cache: Path | None = None
    rebuild: bool = False


def build_engines(
    folder: ModelFolder,
    toolkit: Toolkit,
    request: BuildRequest,
    *,
    trials: Trials | None = None,
    watch: Watch = unwatched,
) -> Choice:
    """Builds engines in processes of their own, and records the choice where `find_plan` looks.

    Threads that build at the same time wait for each other.

    Args:
        folder: the model folder.
        toolkit: the device and its TensorRT.
        request: what to build.
        trials: times and judges what was built on this device; None does neither.
        watch: is told how far a build is.

    Raises:
        EngineError: nothing can be built and accepted, or nothing can be written where engines are
            kept.
    """
    trials, wanted = trials or Trials(), request.precision
    workshop = _workshop(folder, toolkit, request, watch)
    rungs = ladder_of(folder.manifest.graphs, toolkit.generation)
    ladder = Ladder(rungs, workshop.engine, trials.accept)
    with _BUILDING:
        workshop.prepare()
        choice = ladder.only(wanted) if wanted else ladder.best(trials.time_ms)
        write_choice(choice_path(folder, workshop.machine, request.cache), choice)
    return choice


def _workshop(
    folder: ModelFolder, toolkit: Toolkit, request: BuildRequest, watch: Watch
) -> Workshop:
    workspace_mib = request.workspace_mib or default_workspace_mib(toolkit.device)
    return Workshop(
        folder=folder,
        machine=toolkit.machine(),
        cuda=toolkit.device.cuda,
        options=BuildOptions(
            workspace_mib=workspace_mib, optimization_level=request.optimization_level
        ),
        cache=request.cache,
        rebuild=request.rebuild,
        watch=watch,
    )
