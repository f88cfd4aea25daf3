"""A pushed frame on its way to its outcome: how old it is, and what ended it before its turn."""

from dataclasses import dataclass, field
from math import isfinite
from numbers import Real
from time import perf_counter

from sdk.errors import SessionError
from sdk.frame import Frame
from sdk.outcome import Status


@dataclass(kw_only=True)
class Ticket:
    """One frame between its push and its outcome."""

    frame: Frame
    deadline_ms: float | None
    """Age after which its answer is late; None: never."""
    begins: bool
    """Whether it was said to begin another run."""
    pushed_s: float = field(default_factory=perf_counter)
    waited_ms: float = 0.0
    """Age at which its turn came, or at which it ended without."""
    ended: tuple[Status, str] | None = None
    """What became of it without an answer, and why."""

    def age_ms(self) -> float:
        """Milliseconds since it was pushed."""
        return (perf_counter() - self.pushed_s) * 1e3

    def end(self, status: Status, reason: str) -> None:
        """It gets no answer."""
        self.ended, self.waited_ms = (status, reason), self.age_ms()

    def take_turn(self) -> None:
        """Its turn has come; if its deadline has passed, too late."""
        if self.ended is None:
            self.waited_ms = self.age_ms()
            if late := self.lateness(self.waited_ms):
                self.ended = Status.DROPPED, f"stale: it waited {late}"

    def lateness(self, age_ms: float) -> str:
        """An age past the deadline in words; empty: it is not."""
        if self.deadline_ms is None or age_ms <= self.deadline_ms:
            return ""
        return f"{age_ms:.1f} ms, its deadline was {self.deadline_ms:g} ms"


def check_deadline(deadline_ms: float | None) -> None:
    """Refuses what is no deadline.

    Raises:
        SessionError: it is neither None nor a positive number of milliseconds.
    """
    number = isinstance(deadline_ms, Real) and not isinstance(deadline_ms, bool)
    if deadline_ms is not None and not (number and isfinite(deadline_ms) and deadline_ms > 0):
        raise SessionError(f"deadline_ms must be above 0 ms, or None, got {deadline_ms!r}")
