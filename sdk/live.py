"""Frames that a scanner pushes and does not wait for: each ends in exactly one outcome."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Condition, Thread
from types import TracebackType
from typing import Generic, Literal, TypeVar, get_args

from sdk.errors import SessionError
from sdk.frame import Frame, whole_number
from sdk.outcome import Outcome, Status
from sdk.ticket import Ticket, check_deadline
from sdk.timing import Stopwatch

Answer = TypeVar("Answer")
Overflow = Literal["newest", "oldest"]
"""Which frames to keep where more wait than `LiveOptions.waiting` allows."""
UNREAD = 256
"""Most frames whose outcome was not read yet: their pixels stay in memory until then."""
LOGGER = logging.getLogger("sdk.live")


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """What becomes of frames that come faster than they are answered."""

    deadline_ms: float | None = None
    """Age, since it was pushed, after which the answer on a frame is late; None: never."""
    overflow: Overflow = "newest"
    """Which frames are kept where more than `waiting` wait; the others are dropped."""
    waiting: int = 1
    """Frames that may wait for the one that is being answered."""

    def __post_init__(self) -> None:
        check_deadline(self.deadline_ms)
        if self.overflow not in get_args(Overflow):
            raise SessionError(
                f"overflow must be one of {', '.join(get_args(Overflow))}, got {self.overflow!r}"
            )
        if (whole_number(self.waiting) or 0) < 1:
            raise SessionError(f"waiting must be a whole number from 1 on, got {self.waiting!r}")


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The account of all frames: `pushed` is the sum of `waiting` and of all that `ended`."""

    pushed: int
    """Frames that were taken."""
    waiting: int
    """Of these, without an outcome yet, the one that is being answered among them."""
    ended: Mapping[Status, int]
    """Frames that have their outcome, counted by status."""


@dataclass(kw_only=True)
class _RunSoFar:
    """What the thread knows of the run that it follows."""

    begins: bool = False
    last: int = 0
    dropped: int = 0


@dataclass(frozen=True, kw_only=True)
class Follower(Generic[Answer]):
    """What answers the frames.

    Attributes:
        answer: gives the outcome of a frame, with its stopwatch and whether it begins a run.
        backend: name of what runs.
        notes: what every outcome must say.
        remembers: whether an answer depends on the frames of its run so far.
        release: called when no frame comes any more.
    """

    answer: Callable[[Frame, Stopwatch, bool], Outcome[Answer]]
    backend: Callable[[], str]
    notes: Callable[[], tuple[str, ...]]
    remembers: bool
    release: Callable[[], None]


class Live(Generic[Answer]):
    """Frames that are pushed as they come and answered by a thread of their own, in their order.

    `Session.live` makes it. One thread pushes; any may read the outcomes, by iterating or with
    `take`. They come in the order in which the frames were pushed, exactly one for each: delivered,
    late, dropped, rejected, failed or cancelled.
    """

    def __init__(self, follower: Follower[Answer], options: LiveOptions) -> None:
        self._follower, self._options = follower, options
        self._changed = Condition()
        self._tickets: deque[Ticket] = deque()
        self._waiting: deque[Ticket] = deque()
        self._outcomes: deque[Outcome[Answer]] = deque()
        self._pushed, self._ended = 0, Counter[Status]()
        self._accepts, self._over, self._begins = True, False, False
        self._answers = False  # at this moment
        self._run = _RunSoFar()
        self._thread = Thread(target=self._work, name="angioedge-live", daemon=True)
        self._thread.start()

    def push(self, frame: Frame, *, deadline_ms: float | None = None) -> None:
        """Takes a frame and returns at once; its pixels must not change before its outcome.

        Frame 0 after a later one begins another run, and so does the one after `begin_run`.

        Args:
            frame: the next one.
            deadline_ms: of this frame, as runs change their rate; None: that of `Session.live`.

        Raises:
            SessionError: no more frames are taken, or nobody reads the outcomes.
            TypeError: this is no `sdk.Frame`.
        """
        if not isinstance(frame, Frame):
            raise TypeError(f"expected an sdk.Frame, got {type(frame).__name__}")
        check_deadline(deadline_ms)
        deadline_ms = self._options.deadline_ms if deadline_ms is None else deadline_ms
        with self._changed:
            self._check_open()
            ticket = Ticket(frame=frame, deadline_ms=deadline_ms, begins=self._begins)
            self._begins = False
            self._tickets.append(ticket)
            self._waiting.append(ticket)
            self._make_room()
            self._pushed += 1
            self._changed.notify_all()

    def begin_run(self) -> None:
        """The next frame that is pushed begins another run."""
        with self._changed:
            self._begins = True

    def take(self, timeout_s: float | None = None) -> Outcome[Answer] | None:
        """The next outcome; None if none comes in time, or all have come after the last frame.

        Args:
            timeout_s: how long to wait for it; 0: not at all, None: until it comes.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._outcomes or self._over, timeout_s)
            return self._outcomes.popleft() if self._outcomes else None

    def __iter__(self) -> Iterator[Outcome[Answer]]:
        """Every outcome, until all frames have theirs after `finish` or `close`."""
        while (outcome := self.take()) is not None:
            yield outcome

    @property
    def over(self) -> bool:
        """Whether every frame has its outcome and no more are taken."""
        return self._over

    @property
    def ledger(self) -> Ledger:
        """What became of the frames so far."""
        with self._changed:
            ended = dict(self._ended)
            return Ledger(
                pushed=self._pushed, waiting=self._pushed - sum(ended.values()), ended=ended
            )

    def finish(self) -> None:
        """No more frames come; those that wait are answered."""
        with self._changed:
            self._accepts = False
            self._changed.notify_all()

    def close(self) -> None:
        """No more frames come, and those that wait are cancelled; waits for the one under way.

        Outcomes can be read afterwards; may be called twice.
        """
        with self._changed:
            self._accepts = False
            for ticket in self._waiting:
                ticket.end(Status.CANCELLED, "the session was closed before its turn came")
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join()

    def __enter__(self) -> "Live[Answer]":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if not self._accepts:
            raise SessionError("no more frames are taken after finish() or close()")
        if len(self._tickets) + len(self._outcomes) >= UNREAD:
            raise SessionError(
                f"{len(self._outcomes)} outcomes wait to be read and {len(self._tickets)} frames "
                f"for theirs, expected fewer than {UNREAD} together; read them, by iterating or "
                "with take()"
            )

    def _make_room(self) -> None:
        begins_at_once = not self._answers  # the thread has only to wake up
        if len(self._waiting) > self._options.waiting + begins_at_once:
            newest = self._options.overflow == "newest"
            ticket = self._waiting.popleft() if newest else self._waiting.pop()
            which = "a newer frame came" if newest else "older frames waited"
            ticket.end(Status.DROPPED, f"overflow: {which} while others were answered")

    def _work(self) -> None:
        try:
            while (ticket := self._next()) is not None:
                outcome = self._outcome_of(ticket)
                with self._changed:
                    self._outcomes.append(outcome)
                    self._ended[outcome.status] += 1
                    self._answers = False
                    self._changed.notify_all()
        finally:  # whoever waits for outcomes shall not wait for ever
            self._follower.release()
            with self._changed:
                self._accepts, self._over = False, True
                self._changed.notify_all()

    def _next(self) -> Ticket | None:
        """The next frame, when it has come; None: no more will."""
        with self._changed:
            self._changed.wait_for(lambda: self._tickets or not self._accepts)
            if not self._tickets:
                return None
            ticket = self._tickets.popleft()
            if ticket.ended is None:
                self._waiting.popleft()
                self._answers = True
            return ticket

    def _outcome_of(self, ticket: Ticket) -> Outcome[Answer]:
        watch, run = Stopwatch(), self._run
        if ticket.begins or ticket.frame.index == 0 < run.last:
            run.begins, run.dropped = True, 0
        run.last = ticket.frame.index
        ticket.take_turn()
        watch.stages_ms["queue"] = ticket.waited_ms
        if ticket.ended is not None:
            run.dropped += 1
            return self._without_answer(ticket, watch, *ticket.ended)
        begins, run.begins = run.begins, False
        outcome = self._answered(ticket, watch, begins=begins)
        if run.dropped and self._follower.remembers:
            said = f"frames of its run that were dropped: {run.dropped}; the answer lacks them"
            outcome = replace(outcome, notes=(*outcome.notes, said))
        return outcome

    def _answered(self, ticket: Ticket, watch: Stopwatch, *, begins: bool) -> Outcome[Answer]:
        try:
            outcome = self._follower.answer(ticket.frame, watch, begins)
        except SessionError as error:
            self._run.begins = self._run.begins or begins
            return self._without_answer(ticket, watch, Status.FAILED, str(error))
        except BaseException as error:  # a frame without an outcome would be lost
            LOGGER.exception("frame %d ended in an error", ticket.frame.index)
            reason = f"{type(error).__name__}: {error}"
            return self._without_answer(ticket, watch, Status.FAILED, reason)
        late = ticket.lateness(ticket.age_ms())
        if late and outcome.status is Status.DELIVERED:
            reason = f"the answer came after {late}"
            outcome = replace(outcome, status=Status.LATE, reason=reason)
        return outcome

    def _without_answer(
        self, ticket: Ticket, watch: Stopwatch, status: Status, reason: str
    ) -> Outcome[Answer]:
        return Outcome(
            frame=ticket.frame,
            status=status,
            answer=None,
            reason=reason,
            notes=self._follower.notes(),
            stages_ms=watch.stages_ms,
            backend=self._follower.backend(),
        )
