"""Session: opens a model folder, verifies it, warms up, answers frame by frame, closes."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from sdk.acceptance import Request, TensorRT, fit, open_ready
from sdk.backends import Backend
from sdk.errors import BackendError, FrameError
from sdk.frame import Frame
from sdk.model_folder import ModelFolder
from sdk.opened_folder import OpenedFolder
from sdk.outcome import Outcome, Status
from sdk.tasks import Task, make_task
from sdk.timing import Stopwatch
from sdk.upload import FrameUpload

Answer = TypeVar("Answer")


class Session(OpenedFolder, Generic[Answer]):
    """Answers one clinical question on the frames of a run.

    Opening reads the manifest, verifies every file, loads the graph, checks that it fits its
    task, and warms up on the golden vectors, whose answers must come out as they were recorded.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        task: type[Task[Answer]] | None = None,
        precision: str | None = None,
        threads: int | None = None,
        backend: str | TensorRT | Backend | None = None,
    ) -> None:
        """Opens a model folder.

        Args:
            folder: the model folder.
            task: the task the folder must be for; tells type checkers what the answers are.
            precision: which of its graphs to run; None: what ``angioedge tune`` chose on this
                machine, otherwise ``fp32``; or the one this device's engine was built from.
            threads: threads of one inference; None lets the library, or the tuning, decide.
            backend: of `sdk.backends.LIBRARIES`, the one that runs the graph; ``tensorrt`` for the
                certified engine of this device, or a `TensorRT` to say more; or what runs instead,
                such as a `ReplayBackend`: the golden vectors are then not compared. What is not
                there is an error: nothing falls back in silence.

        Raises:
            ModelFolderError: the folder is damaged, foreign, newer, or does not fit its task.
            BackendError: the library or its device is missing, does not compute what was recorded,
                or the engine has no certificate that it does.
        """
        opened = ModelFolder.open(folder)
        self._task: Task[Answer] = make_task(opened, task)
        self._upload = FrameUpload()
        if isinstance(backend, Backend):
            fit(self._task, backend)
            self._backend = backend
        else:
            request = Request(backend=backend, precision=precision, threads=threads)
            self._backend = open_ready(opened, self._task, request)
        super().__init__(opened, {"": self._backend})
        self._streams = 0
        self._begins = True

    def __call__(self, frame: Frame) -> Outcome[Answer]:
        """Answers on one frame; never raises for what is in the frame, see `Outcome.require`.

        Outside of `stream` every frame counts as a run of its own, unless the task has states that
        its network carries from frame to frame: then frames are one run until `reset`.
        """
        return self._answer(frame, Stopwatch())

    def stream(self, frames: Iterable[Frame]) -> Iterator[Outcome[Answer]]:
        """Answers on every frame of a run, in order; no frame is dropped.

        What producing a frame costs is its outcome's ``decode`` stage.
        """
        self._task.reset()
        self._begins |= self._streams == 0 or bool(self._task.states)
        self._streams += 1
        try:
            yield from self._stream(iter(frames))
        finally:
            self._streams -= 1

    def _stream(self, frames: Iterator[Frame]) -> Iterator[Outcome[Answer]]:
        while True:
            watch = Stopwatch()
            with watch.stage("decode"):
                frame = next(frames, None)
            if frame is None:
                return
            yield self._answer(frame, watch)

    def reset(self) -> None:
        """The next frame begins another run: nothing is remembered of those so far.

        `stream` does it itself.
        """
        self._task.reset()
        self._begins = True

    @property
    def task(self) -> Task[Answer]:
        """The clinical question."""
        return self._task

    def _answer(self, frame: Frame, watch: Stopwatch) -> Outcome[Answer]:
        with self._taken():
            if self._task.begins_anew(frame):
                self.reset()
            if self._begins or not (self._streams or self._task.states):
                self._backend.begin_run()
                self._begins = False
            return self._run_stages(frame, watch)

    def _run_stages(self, frame: Frame, watch: Stopwatch) -> Outcome[Answer]:
        answer: Answer | None = None
        status, reason = Status.DELIVERED, ""
        try:
            with self._backend.errors():
                with watch.stage("preprocess"):
                    seen = self._upload(frame, self._backend.inputs)
                    self._task.preprocess(seen, self._backend.inputs)
                with watch.stage("inference"):
                    self._backend.run()
                with watch.stage("postprocess"):
                    answer = self._task.postprocess(self._backend.outputs, seen)
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
            notes=self._folder.manifest.intended_input.outside(frame) + self.notes,
            stages_ms=watch.stages_ms,
            backend=self._backend.name,
        )
