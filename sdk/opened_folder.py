"""An opened model folder: its networks, ready to run, for one caller at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, get_ident
from types import TracebackType
from typing import ClassVar, TypeVar

from sdk.backends import Backend
from sdk.errors import SessionError
from sdk.model_folder import MANIFEST, Manifest, ModelFolder, sha256_of
from sdk.timing import STAGES, LatencyRecord

Opened = TypeVar("Opened", bound="OpenedFolder")


class OpenedFolder:
    """What every session is: a context manager over the backends of one model folder."""

    ANSWERS: ClassVar[str] = "frame"
    """What one call answers, for messages."""

    def __init__(
        self,
        folder: ModelFolder,
        backends: Mapping[str, Backend],
        stages: tuple[str, ...] = STAGES,
    ) -> None:
        """Takes a verified folder, and the backend of each of its networks by name."""
        self._folder = folder
        self._backends = dict(backends)
        self._latency = LatencyRecord(stages)
        self._busy = Lock()
        self._answering: int | None = None
        self._open = True

    def close(self) -> None:
        """Releases the graphs; may be called twice.

        Waits for an answer that another thread is working on. Called in the midst of an answer, by
        one of its callbacks, it releases them as soon as that is done.
        """
        self._open = False
        if self._answering != get_ident():
            with self._busy:
                self._release_graphs()

    def __enter__(self: Opened) -> Opened:  # noqa: PYI019  Self came with Python 3.11
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
        """What really runs, such as ``onnxruntime-cpu``; it can change between runs."""
        return _summary({name: backend.name for name, backend in self._backends.items()})

    @property
    def precision(self) -> str:
        """Precision of the graph that runs; empty if a backend of your own does."""
        return _summary({name: backend.precision for name, backend in self._backends.items()})

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about how this session runs; every outcome repeats it."""
        said = (note for backend in self._backends.values() for note in backend.notes)
        return tuple(dict.fromkeys(said))

    @property
    def manifest(self) -> Manifest:
        """What the model folder says about itself."""
        return self._folder.manifest

    @property
    def model_sha256(self) -> str:
        """Of the manifest, which holds the hash of every other file: names the model in records."""
        return sha256_of(self._folder.path / MANIFEST)

    @property
    def latency(self) -> LatencyRecord:
        """Per-stage latency of what was answered so far."""
        return self._latency

    @contextmanager
    def _taken(self) -> Iterator[None]:
        """Holds the session for one answer."""
        self._take()
        with self._held():
            yield

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Answers in this thread, and frees a session that was taken."""
        self._answering = get_ident()
        try:
            yield
        finally:
            self._answering = None
            try:
                if not self._open:
                    self._release_graphs()
            finally:
                self._busy.release()

    def _release_graphs(self) -> None:
        for backend in self._backends.values():
            backend.close()

    def _take(self) -> None:
        """Holds the session for what is done with it `_held`.

        Raises:
            SessionError: it is closed, or held.
        """
        self._check_open()
        if not self._busy.acquire(blocking=False):
            raise SessionError(
                f"this session is answering another {self.ANSWERS}; use one session per thread"
            )
        if not self._open:  # it was closed in between
            self._busy.release()
            self._check_open()

    def _check_open(self) -> None:
        if not self._open:
            raise SessionError("this session is closed; open a new one")


def _summary(values: Mapping[str, str]) -> str:
    """What the networks have in common, or what each has."""
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    return ", ".join(f"{name} {value}" for name, value in values.items())
