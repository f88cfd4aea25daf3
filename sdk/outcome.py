"""What became of one frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from sdk.errors import FrameError
from sdk.frame import Frame

Answer = TypeVar("Answer")


class Status(str, Enum):
    """What became of a frame; every frame ends in exactly one of these."""

    DELIVERED = "delivered"  # there is an answer
    REJECTED = "rejected"  # the frame cannot be fed to this network
    FAILED = "failed"  # the backend failed on it
    CANCELLED = "cancelled"  # the caller wanted no answer any more


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Outcome(Generic[Answer]):
    """The answer on one frame, or the reason why there is none.

    Attributes:
        frame: the frame itself, with its identity, time and user data.
        status: what became of it.
        answer: the task's answer, None unless delivered.
        reason: why there is no answer, in one sentence; empty if delivered.
        notes: what the frame says about itself that the network was not made for, and what the
            session says about how it runs.
        stages_ms: milliseconds spent in decode, preprocess, inference and postprocess.
        backend: what really ran.
    """

    frame: Frame
    status: Status
    answer: Answer | None
    reason: str = ""
    notes: tuple[str, ...] = ()
    stages_ms: Mapping[str, float]
    backend: str

    @property
    def latency_ms(self) -> float:
        """Milliseconds from the frame's decoding to its answer."""
        return sum(self.stages_ms.values())

    def require(self) -> Answer:
        """The answer.

        Raises:
            FrameError: there is none; the message is the reason.
        """
        if self.answer is None:
            raise FrameError(self.reason or f"frame {self.frame.index} has no answer")
        return self.answer
