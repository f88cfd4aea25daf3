"""What became of one frame, or of whatever else was asked about."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from sdk.errors import AngioEdgeError, BackendError, FrameError, SessionError
from sdk.frame import Frame

Answer = TypeVar("Answer")


class Status(str, Enum):
    """What became of a frame; every frame ends in exactly one of these."""

    DELIVERED = "delivered"  # there is an answer
    LATE = "late"  # there is one, but after the frame's deadline
    DROPPED = "dropped"  # nothing was computed: others came, or its deadline had passed
    REJECTED = "rejected"  # the frame cannot be fed to this network
    FAILED = "failed"  # the backend failed on it
    CANCELLED = "cancelled"  # the caller wanted no answer any more


ERRORS: Mapping[Status, type[AngioEdgeError]] = {
    Status.FAILED: BackendError,
    Status.DROPPED: SessionError,
    Status.CANCELLED: SessionError,
}
"""What `require` raises where it was not what was given that could not be used."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Account(Generic[Answer]):
    """What became of a frame or a volume: the answer, or the reason why there is none.

    Attributes:
        status: what became of it.
        answer: the task's answer, None unless delivered or late.
        reason: why there is no answer, or why it is late, in one sentence; empty if delivered.
        notes: what is unlike what the network was made for, and what the session says about how it
            runs.
        stages_ms: milliseconds spent in each stage.
        backend: what really ran.
    """

    status: Status
    answer: Answer | None
    reason: str = ""
    notes: tuple[str, ...] = ()
    stages_ms: Mapping[str, float]
    backend: str

    @property
    def latency_ms(self) -> float:
        """Milliseconds of all stages, from the decoding or pushing of a frame to its answer."""
        return sum(self.stages_ms.values())


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Outcome(Account[Answer]):
    """The account of one frame; its stages are decode, preprocess, inference and postprocess.

    Of frames that were pushed (`Session.live`), the stage before these is queue.

    Attributes:
        frame: the frame itself, with its identity, time and user data; the rest as in `Account`.
    """

    frame: Frame

    def require(self) -> Answer:
        """The answer; where there is none, an error whose message is the reason.

        Raises:
            FrameError: the frame was rejected.
            BackendError: the backend failed on it.
            SessionError: it was dropped or cancelled.
        """
        if self.answer is None:
            error = ERRORS.get(self.status, FrameError)
            raise error(self.reason or f"frame {self.frame.index} has no answer")
        return self.answer
