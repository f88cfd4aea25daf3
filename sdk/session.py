"""Session: opens a model folder, verifies it, warms up, answers frame by frame, closes."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from sdk.acceptance import Request, TensorRT, fit, open_ready
from sdk.backends import Backend
from sdk.errors import BackendError, FrameError, SessionError
from sdk.frame import Frame
from sdk.live import Follower, Live, LiveOptions, Overflow
from sdk.model_folder import ModelFolder
from sdk.opened_folder import OpenedFolder
from sdk.outcome import Outcome, Status
from sdk.run_order import RunOrder
from sdk.tasks import Task, make_task
from sdk.timing import Stopwatch
from sdk.upload import FrameUpload

Answer = TypeVar("Answer")


class Session(OpenedFolder, Generic[Answer]):
    """Answers one clinical question on the frames of a run.

    Opening reads the manifest, verifies every file, loads the graph, checks that it fits its
    task, and warms up on the golden vectors, whose answers must come out as they were recorded.
    """

    _streamed: object | None
    """What stands for the stream whose run is followed; None: frames come one by one."""
    _followed: object | None = object()
    """What stands for the stream whose run the states hold; at first nobody's."""
    _lives: tuple[Live[Answer], ...] = ()
    """What frames are pushed into."""
    _lacking: int = 0
    """Frames of the run that have no answer."""

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
            task: the one the folder must be for; tells type checkers what the answers are.
            precision: which of its graphs to run; None: what ``angioedge tune`` chose on this
                machine, otherwise ``fp32``; or the one this device's engine was built from.
            threads: threads of one inference; None lets the library, or the tuning, decide.
            backend: of `sdk.backends.LIBRARIES`, the one that runs the graph; ``tensorrt`` for the
                certified engine of this device, or a `TensorRT` to say more; or one of your own,
                whose golden vectors are not compared. What is not there is an error.

        Raises:
            ModelFolderError: the folder is damaged, foreign, newer, or does not fit its task.
            BackendError: the library or its device is missing, does not compute what was recorded,
                or the engine has no certificate that it does.
            SessionError: `task` is no class of task, or `threads` no number of threads.
        """
        opened = ModelFolder.open(folder)
        self._task: Task[Answer] = make_task(opened, _checked(task))
        self._upload, self._order = FrameUpload(), RunOrder()
        if isinstance(backend, Backend):
            fit(self._task, backend)
            self._backend = backend
        else:
            asked = Request(backend=backend, precision=precision, threads=threads)
            self._backend = open_ready(opened, self._task, asked)
        super().__init__(opened, {"": self._backend})
        self._options = opened.manifest.options_of("")
        self._take_options()
        self.reset()

    def __call__(self, frame: Frame) -> Outcome[Answer]:
        """Answers on one frame; never raises for what is in the frame, see `Outcome.require`.

        Outside of `stream` every frame counts as a run of its own, unless the task remembers the
        frames of a run: then frames are one run until `reset`, or until frame 0 comes after a later
        one, which begins another run and says so in its notes.

        Raises:
            SessionError: the session is closed, busy, or follows the run of a `stream`.
            TypeError: this is no `sdk.Frame`.
        """
        return self._answer(frame, Stopwatch(), None)

    def stream(self, frames: Iterable[Frame]) -> Iterator[Outcome[Answer]]:
        """Answers on every frame of a run, in order; no frame is dropped.

        A frame that does not come after the one before it, by index and time, is rejected. What
        producing a frame costs is its outcome's ``decode`` stage.

        Raises:
            SessionError: the session is closed, busy, or another of its streams is under way: one
                that was begun and has not been taken to its end, closed or dropped.
            TypeError: something that comes is no `sdk.Frame`.
        """
        run, end, source = object(), object(), iter(frames)
        self._claim(run)
        try:
            while True:
                watch = Stopwatch()
                with watch.stage("decode"):
                    frame = next(source, end)
                if frame is end:
                    return
                yield self._answer(frame, watch, run)
        finally:
            self._release(run)

    def live(
        self,
        *,
        deadline_ms: float | None = None,
        overflow: Overflow = "newest",
        waiting: int = 1,
    ) -> Live[Answer]:
        """Takes frames that a scanner pushes and does not wait for; a thread answers them.

        Args:
            deadline_ms: age, since it was pushed, after which the answer on a frame is late; one
                that is older before its turn comes is dropped. None: there is none.
            overflow: which frames are kept where more than `waiting` wait, ``newest`` or
                ``oldest``; the others are dropped.
            waiting: frames that may wait for the one that is being answered.

        Returns:
            Frames in, outcomes out: exactly one for each frame, in their order. To be closed; the
            session closes it too.

        Raises:
            SessionError: the session is closed, another stream is under way, or an option is wrong.
        """
        options = LiveOptions(deadline_ms=deadline_ms, overflow=overflow, waiting=waiting)
        self._check_open()
        run = object()
        self._claim(run)
        follower = Follower(
            answer=lambda frame, watch, begins: self._answer(frame, watch, run, begins=begins),
            backend=lambda: self._backend.name,
            notes=lambda: self.notes,
            remembers=self._task.remembers,
            release=partial(self._release, run),
        )
        live = Live(follower, options)
        self._lives = (*(one for one in self._lives if not one.over), live)
        return live

    def close(self) -> None:
        """Releases the graphs, after what was pushed has its outcomes; may be called twice."""
        for live in self._lives:
            live.close()
        super().close()

    def reset(self) -> None:
        """The next frame begins another run: nothing is remembered of those so far.

        `stream` does it itself. A stream that is under way goes on with the run that begins, unless
        another begins first.
        """
        self._streamed = None
        self._begins = True

    @property
    def task(self) -> Task[Answer]:
        """The clinical question."""
        return self._task

    def _claim(self, run: object | None) -> None:
        """Follows the run of one stream, or frames that are given one by one (None)."""
        if self._streamed not in (None, run):
            raise SessionError(
                "this session follows the run of another stream; take that to its end or close it, "
                "call reset() to give it up, or open one session per run"
            )
        self._streamed = run

    def _release(self, run: object) -> None:
        if self._streamed is run:
            self._streamed = None

    def _answer(
        self, frame: object, watch: Stopwatch, run: object | None, *, begins: bool = False
    ) -> Outcome[Answer]:
        """Answers a frame of a stream's run, or one that is given by itself (None)."""
        if not isinstance(frame, Frame):
            raise TypeError(
                f"expected an sdk.Frame, got {type(frame).__name__}; wrap pixels as "
                "sdk.Frame(pixels=...)"
            )
        follows = run is not None or self._task.remembers
        with self._taken():
            if follows:
                self._claim(run)
                self._begins = self._begins or begins or self._followed is not run
                self._followed = run
            return self._run_stages(frame, watch, follows=follows)

    def _place(self, frame: Frame, *, follows: bool) -> tuple[str, ...]:
        """Begins a run where one begins; gives what is to be said about that.

        Raises:
            FrameError: the frame is not the next of the run that is followed.
        """
        one_by_one = self._streamed is None
        over = follows and one_by_one and not self._begins and self._order.starts_over(frame)
        if self._begins or over or (one_by_one and not follows):
            self._begin_run()
        if not follows:
            return ()
        if objection := self._order.objection(frame):
            raise FrameError(objection)
        if self._task.begins_anew(frame):
            self._begin_run()
        self._lacking += 1  # until it has its answer
        return ("frame 0 begins another run",) if over else ()

    def _begin_run(self) -> None:
        self._backend.begin_run()
        self._take_options()
        self._task.reset()
        self._order.reset()
        self._begins, self._lacking = False, 0

    def _take_options(self) -> None:
        """Makes the task anew where the graph that runs now has other options than the last."""
        precision = self._backend.precision
        options = self._folder.manifest.options_of(precision)
        if options != self._options:
            self._options = options
            self._task = make_task(self._folder, precision=precision)

    def _run_stages(self, frame: Frame, watch: Stopwatch, *, follows: bool) -> Outcome[Answer]:
        answer: Answer | None = None
        status, reason = Status.DELIVERED, ""
        notes = (*frame.notes, *self._folder.manifest.intended_input.outside(frame))
        try:
            with self._backend.errors():
                notes += self._place(frame, follows=follows)
                with watch.stage("preprocess"):
                    seen = self._upload(frame, self._backend.inputs)
                    self._task.preprocess(seen, self._backend.inputs)
                with watch.stage("inference"):
                    self._backend.run()
                with watch.stage("postprocess"):
                    self._backend.check_outputs(self._task.outputs)
                    answer = self._task.postprocess(self._backend.outputs, seen)
            notes += self._task.remarks(frame) + self._answered(frame, follows=follows)
            self._latency.add(watch.stages_ms)
        except (FrameError, ValueError) as error:  # kernels raise the latter, as NumPy does
            answer, status, reason = None, Status.REJECTED, str(error)
        except BackendError as error:
            status, reason = Status.FAILED, str(error)
        return Outcome(
            frame=frame,
            status=status,
            answer=answer,
            reason=reason,
            notes=notes + self.notes,
            stages_ms=watch.stages_ms,
            backend=self._backend.name,
        )

    def _answered(self, frame: Frame, *, follows: bool) -> tuple[str, ...]:
        """Takes a frame into the run; says what the answer on it lacks."""
        if not follows:
            return ()
        self._order.add(frame)
        self._lacking -= 1
        if not self._lacking or not self._task.remembers:
            return ()
        return (f"frames of its run that have no answer: {self._lacking}; this one lacks them",)


def _checked(task: type[Task[Answer]] | None) -> type[Task[Answer]] | None:
    if task is not None and not (isinstance(task, type) and issubclass(task, Task)):
        raise SessionError(
            f"task must be a class such as sdk.Segmentation, got {task!r}; leave it out to take "
            "the one that the folder is for"
        )
    return task
