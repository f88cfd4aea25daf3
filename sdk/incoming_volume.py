"""A volume that comes slice by slice while its tiles are already answered."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import Condition, Thread, current_thread
from types import TracebackType
from weakref import finalize

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sdk.errors import SessionError, VolumeError
from sdk.volume import Volume
from sdk.volume_outcome import VolumeOutcome
from sdk.volume_work import CancelledError

POLL_S = 0.05
"""How often a waiting thread asks whether the caller still wants an answer."""
MOST_NAMED = 8


class Arrivals:
    """Which slices of a volume are there; one thread gives them, another waits for them."""

    def __init__(self, slices: int, cancelled: Callable[[], bool]) -> None:
        """Takes how many slices there will be, and the question whether to stop waiting."""
        self._there = np.zeros(slices, bool)
        self._asked = cancelled
        self._ended = self._cancelled = False
        self._change = Condition()

    def add(self, index: int) -> None:
        """A slice is there."""
        with self._change:
            self._there[index] = True
            self._change.notify_all()

    def holds(self, index: int) -> bool:
        """Whether a slice is there."""
        return bool(self._there[index])

    def end(self) -> None:
        """No more slices will come."""
        with self._change:
            self._ended = True
            self._change.notify_all()

    def cancel(self) -> None:
        """Nobody wants an answer any more."""
        with self._change:
            self._cancelled = True
            self._change.notify_all()

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody wants an answer any more."""
        return self._cancelled or self._asked()

    @property
    def is_over(self) -> bool:
        """Whether no more slices are taken."""
        return self._ended or self._cancelled

    def in_order(self, needs: Sequence[Sequence[int]]) -> Iterator[int]:
        """Positions in a list of needs, each once, as soon as all slices it needs are there.

        Raises:
            CancelledError: the caller wants no answer.
            VolumeError: a slice is missing, and no more will come.
        """
        waiting = list(range(len(needs)))
        while waiting:
            ready = self._wait(waiting, needs)
            waiting.remove(ready)
            yield ready

    def _wait(self, waiting: Sequence[int], needs: Sequence[Sequence[int]]) -> int:
        with self._change:
            while True:
                if self.is_cancelled:
                    raise CancelledError
                ready = (place for place in waiting if self._there[needs[place]].all())
                if (first := next(ready, None)) is not None:
                    return first
                if self._ended:
                    raise VolumeError(self._missing())
                self._change.wait(POLL_S)

    def _missing(self) -> str:
        missing = np.flatnonzero(~self._there).tolist()
        named = ", ".join(map(str, missing[:MOST_NAMED]))
        more = ", …" if len(missing) > MOST_NAMED else ""
        return (
            f"{len(missing)} of {len(self._there)} slices did not come: {named}{more}; give every "
            "slice before asking for the outcome"
        )


class IncomingVolume:
    """Takes the slices of one volume, in any order, and gives its outcome; a context manager.

    The answer is worked out in a thread of its own, in which the callbacks of the options are
    called too. The session is busy until `outcome` or `cancel` has returned, or the ``with`` block
    has ended. One that is dropped without them is cancelled when Python collects it.

    Attributes:
        stop: cancels and waits as `cancel` does, and may outlive this object.
    """

    def __init__(
        self,
        volume: Volume,
        arrivals: Arrivals,
        answer: Callable[[], VolumeOutcome],
    ) -> None:
        """Made by `VolumeSession.receive`.

        Args:
            volume: empty voxels and phase, which are written to.
            arrivals: is told of every slice.
            answer: waits for slices and answers; called once, in the thread.
        """
        self._volume = volume
        self._arrivals = arrivals
        self._result = _Result()
        self._thread = Thread(
            target=self._result.take, args=(answer,), daemon=True, name="incoming volume"
        )
        self.stop = partial(_stop, arrivals, self._thread)
        finalize(self, arrivals.cancel)  # nothing that the thread holds leads back to this object
        self._thread.start()

    def add(self, index: int, swi: ArrayLike, phase: ArrayLike) -> None:
        """Copies one slice and returns at once; tiles that waited for it start.

        Args:
            index: of the slice, from 0.
            swi: (rows, columns) voxels.
            phase: (rows, columns) in radians, iron positive, see `sdk.Volume`.

        Raises:
            VolumeError: there is no such slice, it was given before, or it has another shape.
            SessionError: the outcome was asked for already.
        """
        slices, *shape = self._volume.shape
        if self._arrivals.is_over:
            raise SessionError("this volume takes no more slices; receive another one")
        if not 0 <= index < slices:
            raise VolumeError(f"there is no slice {index}, expected 0 to {slices - 1}")
        if self._arrivals.holds(index):
            raise VolumeError(f"slice {index} was given before; give every slice once")
        for name, image, kept in self._images(swi, phase):
            if image.shape != tuple(shape) or image.dtype.kind not in "uif":
                raise VolumeError(
                    f"{name} of slice {index} must be real numbers of shape {tuple(shape)}, got "
                    f"{image.dtype} {image.shape}"
                )
            kept[index] = image
        self._arrivals.add(index)

    def _images(
        self, swi: ArrayLike, phase: ArrayLike
    ) -> Iterator[tuple[str, NDArray[np.generic], NDArray[np.float32]]]:
        yield "swi", np.asarray(swi), self._volume.voxels
        if self._volume.phase is not None:
            yield "phase", np.asarray(phase), self._volume.phase

    def outcome(self) -> VolumeOutcome:
        """Waits for the answer; slices that are missing now are missing for good.

        Never raises for what is in the volume, see `VolumeOutcome.require`.
        """
        self._arrivals.end()
        self._thread.join()
        return self._result.outcome()

    def cancel(self) -> None:
        """Wants no answer any more; returns when the session is free."""
        self.stop()

    def __enter__(self) -> "IncomingVolume":  # noqa: PYI034  Self came with Python 3.11
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Cancels what has no outcome yet."""
        self.cancel()


class _Result:
    """What became of the work of a thread."""

    def __init__(self) -> None:
        self._outcome: VolumeOutcome | None = None
        self._error: BaseException | None = None

    def take(self, answer: Callable[[], VolumeOutcome]) -> None:
        try:
            self._outcome = answer()
        except BaseException as error:  # noqa: BLE001  raised where the outcome is asked for
            self._error = error

    def outcome(self) -> VolumeOutcome:
        if self._error is not None:
            raise self._error
        if self._outcome is None:
            raise SessionError("this volume was not answered; receive it again")
        return self._outcome


def _stop(arrivals: Arrivals, thread: Thread) -> None:
    arrivals.cancel()
    if thread is not current_thread():
        thread.join()
