"""Answers at once with one backend, and with a better one as soon as that is ready."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from threading import Thread

from sdk.backends.base import Backend


class TakeoverBackend(Backend):
    """Runs one backend while another is prepared, which takes over when the next run begins.

    Within one angiographic run all frames come from the same backend. Until the other is ready,
    or if it could not be made ready, every outcome says so in its notes.
    """

    def __init__(self, first: Backend, prepare: Callable[[], Backend], *, wanted: str) -> None:
        """Begins to prepare, in a thread of its own.

        Args:
            first: answers meanwhile.
            prepare: gives the other, ready to answer, or raises; its tensors must have the names,
                shapes and dtypes of those of `first`.
            wanted: what the other is called in the notes.
        """
        self._wanted = wanted
        self._prepared: Future[Backend] = Future()
        self._pending = True
        self._states: dict[str, str] = {}
        self._adopt(first, f"{wanted} is not ready yet, {first.name} answers")
        Thread(target=self._prepare, args=(prepare,), daemon=True, name=f"prepare {wanted}").start()

    def _prepare(self, prepare: Callable[[], Backend]) -> None:
        try:
            self._prepared.set_result(prepare())
        except Exception as error:  # noqa: BLE001  whatever it is, the notes of every outcome say it
            self._prepared.set_exception(error)

    def _adopt(self, backend: Backend, *notes: str) -> None:
        self._current = backend
        self.name = backend.name
        self.precision = backend.precision
        self.inputs = backend.inputs
        self.outputs = backend.outputs
        self.notes = (*notes, *backend.notes)

    @property
    def identity(self) -> Mapping[str, str]:
        return self._current.identity

    def carry(self, states: Mapping[str, str]) -> None:
        self._current.carry(states)
        self.inputs, self.outputs = self._current.inputs, self._current.outputs
        self._states = dict(states)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until the other is ready, or has failed; False if the time was too short."""
        return not wait([self._prepared], timeout_s).not_done

    def begin_run(self) -> None:
        if self._pending and self._prepared.done():
            self._pending = False
            self._take_over()
        self._current.begin_run()

    def _take_over(self) -> None:
        try:
            other = _carrying(self._prepared.result(), self._states)
        except Exception as error:  # noqa: BLE001  as above
            self._adopt(
                self._current,
                f"{self._wanted} could not be made ready, {self._current.name} answers: {error}",
            )
            return
        self._current.close()
        self._adopt(other)

    def run(self) -> None:
        self._current.run()

    def finish(self) -> None:
        self._current.finish()

    def close(self) -> None:
        self._current.close()
        if self._pending:
            self._pending = False
            self._prepared.add_done_callback(_close_unused)


def _carrying(backend: Backend, states: Mapping[str, str]) -> Backend:
    try:
        if states:
            backend.carry(states)
    except BaseException:  # nobody else would close it
        backend.close()
        raise
    return backend


def _close_unused(prepared: "Future[Backend]") -> None:
    if prepared.exception() is None:
        prepared.result().close()
