"""Answers one clinical question on whole volumes, with the graphs of one model folder."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from sdk.backends import Backend, open_backend
from sdk.errors import AngioEdgeError, BackendError, ModelFolderError, SessionError, VolumeError
from sdk.model_folder import Golden, Manifest, ModelFolder, relative_difference
from sdk.outcome import Status
from sdk.tasks.brain_volume import BrainVolume
from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tasks.microbleeds import Candidates, DroppedCandidate, Microbleed, MicrobleedAnswer
from sdk.tasks.tiles import Corner
from sdk.tensors import TensorSpec, specs_of
from sdk.timing import Stopwatch
from sdk.volume import Volume

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, the steps done and all its steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeOptions:
    """How one volume is answered.

    Attributes:
        progress: called after every tile and patch.
        cancelled: asked before every tile and patch; once it says true, there is no answer.
        whole_regions: label the whole brain instead of a patch around every candidate.
    """

    progress: Progress | None = None
    cancelled: Callable[[], bool] | None = None
    whole_regions: bool = False


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class VolumeOutcome:
    """The answer on one volume, or the reason why there is none.

    Attributes:
        volume: the volume itself, as it was given.
        status: what became of it.
        answer: None unless delivered.
        reason: why there is no answer, in one sentence; empty if delivered.
        stages_ms: milliseconds spent in prepare, detect and localise.
        backend: what really ran.
    """

    volume: Volume
    status: Status
    answer: MicrobleedAnswer | None
    reason: str = ""
    stages_ms: Mapping[str, float]
    backend: str

    def require(self) -> MicrobleedAnswer:
        """The answer.

        Raises:
            VolumeError: there is none; the message is the reason.
        """
        if self.answer is None:
            raise VolumeError(self.reason)
        return self.answer


class VolumeSession:
    """Opens a model folder of the microbleed task, verifies it, and answers volume by volume.

    The folder holds two graphs per precision, ``detector.fp32`` and ``regions.fp32`` in its
    manifest. A golden pair belongs to the graph whose inputs it names.
    """

    def __init__(
        self, folder: str | Path, *, precision: str = "fp32", threads: int | None = None
    ) -> None:
        """Opens a model folder.

        Args:
            folder: the model folder.
            precision: which of its graphs to run.
            threads: threads inside one operator; None lets the library use every core.

        Raises:
            ModelFolderError: the folder is damaged, foreign, newer, or does not fit its task.
            BackendError: the library is missing, or does not compute what was recorded.
        """
        self._folder = ModelFolder.open(folder)
        self._task = _make_task(self._folder, precision)
        self._busy = Lock()
        self._graphs: dict[str, Backend] = {}
        try:
            for name in self._task.inputs:
                graph = self._folder.graph(f"{name}.{precision}")
                self._graphs[name] = open_backend(graph, threads=threads)
                self._check_fit(name)
            self._warm_up(precision)
        except AngioEdgeError:
            self.close()
            raise

    def __call__(self, volume: Volume, options: VolumeOptions | None = None) -> VolumeOutcome:
        """Answers on one volume; never raises for what is in it, see `VolumeOutcome.require`.

        Raises:
            SessionError: the session is closed, or busy with another volume.
        """
        if not self._graphs:
            raise SessionError("this session is closed; open a new one")
        if not self._busy.acquire(blocking=False):
            raise SessionError("this session is answering another volume; use one per thread")
        try:
            return self._answer(volume, options or VolumeOptions())
        finally:
            self._busy.release()

    def close(self) -> None:
        """Releases the graphs; may be called twice."""
        for backend in self._graphs.values():
            backend.close()
        self._graphs = {}

    def __enter__(self) -> "VolumeSession":  # noqa: PYI034  Self is newer than Python 3.10
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def manifest(self) -> Manifest:
        """What the model folder says about itself."""
        return self._folder.manifest

    @property
    def task(self) -> MicrobleedDetection:
        """The clinical question."""
        return self._task

    def _answer(self, volume: Volume, options: VolumeOptions) -> VolumeOutcome:
        watch = Stopwatch()
        answer: MicrobleedAnswer | None = None
        status, reason = Status.DELIVERED, ""
        try:
            answer = self._run_stages(volume, options, watch)
        except VolumeError as error:
            status, reason = Status.REJECTED, str(error)
        except BackendError as error:
            status, reason = Status.FAILED, str(error)
        except _CancelledError:
            status, reason = Status.CANCELLED, "the caller cancelled it"
        return VolumeOutcome(
            volume=volume,
            status=status,
            answer=answer,
            reason=reason,
            stages_ms=watch.stages_ms,
            backend=self._graphs["detector"].name,
        )

    def _run_stages(
        self, volume: Volume, options: VolumeOptions, watch: Stopwatch
    ) -> MicrobleedAnswer:
        with watch.stage("prepare"):
            brain = self._task.prepare(volume)
            tiles, skipped = self._task.plan(brain)
        with watch.stage("detect"):
            detector, parts = self._graphs["detector"], []
            for done, tile in enumerate(tiles):
                _step(options, "detect", done, len(tiles))
                brain.fill_tile(tile.origin, detector.inputs["tile"][0])
                detector.run()
                parts.append(self._task.read_tile(detector.outputs, tile, brain))
            _step(options, "detect", len(tiles), len(tiles))
            found, dropped = self._task.suppress(Candidates.join(parts), brain)
        with watch.stage("localise"):
            kept, elsewhere, regions = self._localise(found, brain, options)
        return MicrobleedAnswer(
            volume=brain.volume,
            microbleeds=tuple(kept),
            dropped=(*dropped, *elsewhere),
            tiles=len(tiles),
            tiles_skipped=skipped,
            regions=regions,
        )

    def _localise(
        self, found: list[Microbleed], brain: BrainVolume, options: VolumeOptions
    ) -> tuple[list[Microbleed], list[DroppedCandidate], NDArray[np.uint8] | None]:
        regions = self._whole_regions(brain, options) if options.whole_regions else None
        kept: list[Microbleed] = []
        dropped: list[DroppedCandidate] = []
        for done, candidate in enumerate(found):
            labels, origin = regions, (0, 0, 0)
            if labels is None:
                _step(options, "localise", done, len(found))
                origin = self._task.patch_origin(candidate)
                labels = self._label(origin, brain)
            judged = self._task.localise(candidate, labels, origin, brain.volume)
            if isinstance(judged, Microbleed):
                kept.append(judged)
            else:
                dropped.append(judged)
        return kept, dropped, regions

    def _whole_regions(self, brain: BrainVolume, options: VolumeOptions) -> NDArray[np.uint8]:
        regions = np.zeros(brain.volume.shape, np.uint8)
        origins = self._task.patch_grid(brain)
        for done, origin in enumerate(origins):
            _step(options, "localise", done, len(origins))
            low = np.s_[origin[0] :, origin[1] :, origin[2] :]
            view = regions[low][: self._task.patch[0], : self._task.patch[1], : self._task.patch[2]]
            view[...] = self._label(origin, brain)[tuple(map(slice, view.shape))]
        return regions

    def _label(self, origin: Corner, brain: BrainVolume) -> NDArray[np.uint8]:
        graph = self._graphs["regions"]
        brain.fill_patch(origin, graph.inputs["patch"][0])
        graph.run()
        return self._task.read_patch(graph.outputs)

    def _check_fit(self, name: str) -> None:
        backend = self._graphs[name]
        inputs, outputs = set(specs_of(backend.inputs)), set(specs_of(backend.outputs))
        if set(self._task.inputs[name]) != inputs or not set(self._task.outputs[name]) <= outputs:
            raise ModelFolderError(
                f"the {name} graph does not fit its task: it takes {_listed(inputs)} and gives "
                f"{_listed(outputs)}, expected {_listed(self._task.inputs[name])} and "
                f"{_listed(self._task.outputs[name])}"
            )

    def _warm_up(self, precision: str) -> None:
        """Runs every graph once, and compares the golden pairs with what was recorded."""
        for backend in self._graphs.values():
            backend.run()
        golden = self._folder.manifest.golden or Golden()
        for index, (inputs, recorded) in enumerate(self._folder.golden()):
            name = next(n for n, graph in self._graphs.items() if set(graph.inputs) == set(inputs))
            for key, tensor in inputs.items():
                np.copyto(self._graphs[name].inputs[key], tensor)
            self._graphs[name].run()
            for key, expected in recorded.items():
                worst = relative_difference(expected, self._graphs[name].outputs[key])
                if not worst <= golden.tolerance_of(precision, key):
                    raise BackendError(
                        f"{self._folder.path}, {name}, golden pair {index}: {key} differs from "
                        f"what was recorded by {worst:.2e} of its range; do not use this machine"
                    )


class _CancelledError(Exception):
    """The caller wants no answer any more."""


def _step(options: VolumeOptions, stage: str, done: int, steps: int) -> None:
    if options.cancelled is not None and options.cancelled():
        raise _CancelledError
    if options.progress is not None:
        options.progress(stage, done, steps)


def _listed(specs: Iterable[TensorSpec]) -> str:
    return ", ".join(sorted(map(str, specs)))


def _make_task(folder: ModelFolder, precision: str) -> MicrobleedDetection:
    manifest = folder.manifest
    if manifest.task != MicrobleedDetection.name:
        raise ModelFolderError(
            f"{folder.path} is for the task {manifest.task!r}, expected "
            f"{MicrobleedDetection.name!r}; open folders of frame tasks with sdk.Session"
        )
    try:
        return MicrobleedDetection(**manifest.options_of(precision))
    except (TypeError, ValueError) as error:
        raise ModelFolderError(
            f"the options in {folder.path} do not fit {manifest.task!r}: {error}"
        ) from error
