"""Session: opens a model folder, verifies it, warms up, answers frame by frame, closes."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sdk.backends import Backend, open_backend
from sdk.errors import AngioEdgeError, BackendError, FrameError, ModelFolderError, SessionError
from sdk.frame import Frame
from sdk.model_folder import Golden, Manifest, ModelFolder, relative_difference
from sdk.outcome import Outcome, Status
from sdk.tasks import TASKS, Task
from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tensors import TensorSpec, specs_of
from sdk.timing import LatencyRecord, Stopwatch

Answer = TypeVar("Answer")


class Session(Generic[Answer]):
    """Answers one clinical question on the frames of a run.

    Opening reads the manifest, verifies every file, loads the graph, checks that it fits its
    task, and warms up on the golden vectors, whose answers must come out as they were recorded.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        task: type[Task[Answer]] | None = None,
        precision: str = "fp32",
        threads: int | None = None,
        backend: Backend | None = None,
    ) -> None:
        """Opens a model folder.

        Args:
            folder: the model folder.
            task: the task the folder must be for; tells type checkers what the answers are.
            precision: which of its graphs to run.
            threads: threads inside one operator; None lets the library use every core.
            backend: runs this instead of the folder's graph, such as a `ReplayBackend`; the
                golden vectors are then not compared.

        Raises:
            ModelFolderError: the folder is damaged, foreign, newer, or does not fit its task.
            BackendError: the library is missing, or does not compute what was recorded.
        """
        self._folder = ModelFolder.open(folder)
        self._task: Task[Answer] = _make_task(self._folder, task)
        self._backend = backend or open_backend(self._folder.graph(precision), threads=threads)
        self._latency = LatencyRecord()
        self._busy = Lock()
        self._open = True
        try:
            _check_fit(self._task, self._backend)
            if backend is None:
                _warm_up(self._backend, self._folder, precision)
                _rehearse(self._task, self._backend)
        except AngioEdgeError:
            self.close()
            raise

    def __call__(self, frame: Frame) -> Outcome[Answer]:
        """Answers on one frame; never raises for what is in the frame, see `Outcome.require`."""
        return self._answer(frame, Stopwatch())

    def stream(self, frames: Iterable[Frame]) -> Iterator[Outcome[Answer]]:
        """Answers on every frame of a run, in order; no frame is dropped.

        What producing a frame costs is its outcome's ``decode`` stage.
        """
        self._task.reset()
        source = iter(frames)
        while True:
            watch = Stopwatch()
            with watch.stage("decode"):
                frame = next(source, None)
            if frame is None:
                return
            yield self._answer(frame, watch)

    def close(self) -> None:
        """Releases the graph; may be called twice."""
        self._open = False
        self._backend.close()

    def __enter__(self) -> "Session[Answer]":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def backend(self) -> str:
        """What really runs, such as ``onnxruntime-cpu``."""
        return self._backend.name

    @property
    def manifest(self) -> Manifest:
        """What the model folder says about itself."""
        return self._folder.manifest

    @property
    def task(self) -> Task[Answer]:
        """The clinical question."""
        return self._task

    @property
    def latency(self) -> LatencyRecord:
        """Per-stage latency of the frames answered so far."""
        return self._latency

    def _answer(self, frame: Frame, watch: Stopwatch) -> Outcome[Answer]:
        if not self._open:
            raise SessionError("this session is closed; open a new one")
        if not self._busy.acquire(blocking=False):
            raise SessionError(
                "this session is answering another frame; use one session per thread"
            )
        try:
            return self._run_stages(frame, watch)
        finally:
            self._busy.release()

    def _run_stages(self, frame: Frame, watch: Stopwatch) -> Outcome[Answer]:
        answer: Answer | None = None
        status, reason = Status.DELIVERED, ""
        try:
            with watch.stage("preprocess"):
                self._task.preprocess(frame, self._backend.inputs)
            with watch.stage("inference"):
                self._backend.run()
            with watch.stage("postprocess"):
                answer = self._task.postprocess(self._backend.outputs, frame)
        except FrameError as error:
            status, reason = Status.REJECTED, str(error)
        except BackendError as error:
            status, reason = Status.FAILED, str(error)
        self._latency.add(watch.stages_ms)
        return Outcome(
            frame=frame,
            status=status,
            answer=answer,
            reason=reason,
            notes=self._folder.manifest.intended_input.outside(frame),
            stages_ms=watch.stages_ms,
            backend=self._backend.name,
        )


def _make_task(folder: ModelFolder, wanted: type[Task[Any]] | None) -> Task[Any]:
    manifest = folder.manifest
    if wanted is not None and manifest.task != wanted.name:
        raise ModelFolderError(
            f"{folder.path} is for the task {manifest.task!r}, expected {wanted.name!r}"
        )
    if manifest.task == MicrobleedDetection.name:
        raise ModelFolderError(f"{folder.path} answers volumes; open it with sdk.VolumeSession")
    if manifest.task not in TASKS:
        raise ModelFolderError(
            f"{folder.path} is for the task {manifest.task!r}, this SDK knows "
            f"{', '.join(sorted(TASKS))}; update angioedge on this device"
        )
    try:
        return TASKS[manifest.task](**manifest.options)
    except (TypeError, ValueError) as error:
        raise ModelFolderError(
            f"the options in {folder.path} do not fit {manifest.task!r}: {error}"
        ) from error


def _check_fit(task: Task[Any], backend: Backend) -> None:
    inputs, outputs = set(specs_of(backend.inputs)), set(specs_of(backend.outputs))
    if set(task.inputs) != inputs or not set(task.outputs) <= outputs:
        raise ModelFolderError(
            "the graph does not fit its task\n"
            f"  the task fills:  {_listed(task.inputs)}\n"
            f"  the graph takes: {_listed(inputs)}\n"
            f"  the task reads:  {_listed(task.outputs)}\n"
            f"  the graph gives: {_listed(outputs)}"
        )


def _listed(specs: Iterable[TensorSpec]) -> str:
    return ", ".join(sorted(map(str, specs)))


def _warm_up(backend: Backend, folder: ModelFolder, precision: str) -> None:
    """Runs the golden vectors, or zeros where there are none, and compares what comes out."""
    golden = folder.manifest.golden or Golden()
    pairs = folder.golden()
    if not pairs:
        backend.run()
    for index, (inputs, recorded) in enumerate(pairs):
        for name, tensor in inputs.items():
            np.copyto(backend.inputs[name], tensor)
        backend.run()
        for name, expected in recorded.items():
            where = f"{folder.path}, {precision}, golden frame {index}: {name}"
            tolerance = golden.tolerance_of(precision, name)
            _compare(expected, backend.outputs[name], tolerance, where)
    for tensor in backend.inputs.values():
        tensor[...] = 0


def _rehearse(task: Task[Any], backend: Backend) -> None:
    """Takes a made-up frame through the task, so that the first real one finds everything warm."""
    pixels = np.random.default_rng(0).integers(0, 4096, (512, 512), np.uint16)
    frame = Frame(pixels=pixels, bits_stored=12)
    task.preprocess(frame, backend.inputs)
    task.postprocess(backend.outputs, frame)
    task.reset()


def _compare(recorded: NDArray[Any], computed: NDArray[Any], tolerance: float, where: str) -> None:
    worst = relative_difference(recorded, computed)
    if not worst <= tolerance:
        raise BackendError(
            f"{where} differs from what was recorded by {worst:.2e} of its range, expected at most "
            f"{tolerance:.0e}; this machine does not compute this network as the workstation did, "
            "do not use it"
        )
