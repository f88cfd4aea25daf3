"""A pushed frame ends in exactly one outcome, in its order, whatever comes in its way."""

import random
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

import sdk
from sdk import Frame, Outcome, Status
from sdk.live import UNREAD, Follower, Live, LiveOptions

PIXELS = np.zeros((2, 2), np.uint8)


def frame(index):
    return Frame(pixels=PIXELS, index=index)


class Answers:
    """Answers a frame with its index when it may, and remembers which began a run."""

    def __init__(self, *, remembers=False, held=False):
        self.may, self.at_work = threading.Event(), threading.Event()
        self.begun, self.released = [], 0
        self.remembers = remembers
        if not held:
            self.may.set()

    def answer(self, frame, watch, begins):
        self.at_work.set()
        assert self.may.wait(20)
        if begins:
            self.begun.append(frame.index)
        if frame.user:
            raise frame.user
        return Outcome(
            frame=frame,
            status=Status.DELIVERED,
            answer=frame.index,
            stages_ms=watch.stages_ms,
            backend="test",
        )

    def release(self):
        self.released += 1

    def live(self, **options):
        follower = Follower(
            answer=self.answer,
            backend=lambda: "test",
            notes=lambda: ("said always",),
            remembers=self.remembers,
            release=self.release,
        )
        return Live(follower, LiveOptions(**options))


def pushed(live, answers, indices):
    """Pushes the first frame, and the others while that is being answered; then lets go."""
    for place, index in enumerate(indices):
        live.push(frame(index))
        if place == 0:
            assert answers.at_work.wait(20)
    answers.may.set()
    live.finish()
    return list(live)


@pytest.mark.parametrize(
    ("options", "answered"),
    [
        ({}, [0, 4]),
        ({"overflow": "newest", "waiting": 2}, [0, 3, 4]),
        ({"overflow": "oldest"}, [0, 1]),
        ({"overflow": "oldest", "waiting": 2}, [0, 1, 2]),
        ({"waiting": 4}, [0, 1, 2, 3, 4]),
    ],
)
def test_more_frames_than_may_wait_are_dropped_and_told_in_their_order(options, answered):
    answers = Answers(held=True)
    outcomes = pushed(answers.live(**options), answers, range(5))
    assert [outcome.frame.index for outcome in outcomes] == [0, 1, 2, 3, 4]
    assert [outcome.answer for outcome in outcomes if outcome.answer is not None] == answered
    dropped = [outcome for outcome in outcomes if outcome.frame.index not in answered]
    assert {outcome.status for outcome in dropped} <= {Status.DROPPED}
    assert all(outcome.reason.startswith("overflow: ") for outcome in dropped)
    assert all(set(outcome.stages_ms) == {"queue"} for outcome in dropped)
    assert all(outcome.notes == ("said always",) for outcome in dropped)


def test_the_frame_that_begins_at_once_is_not_one_that_waits(monkeypatch):
    """Between a push and the moment at which the thread wakes up, more may be pushed."""
    answers = Answers()
    live = answers.live(waiting=1)
    with live._changed:  # the thread cannot take one yet
        live.push(frame(0))
        live.push(frame(1))
    live.finish()
    assert [outcome.status for outcome in live] == [Status.DELIVERED, Status.DELIVERED]


def test_an_answer_after_its_deadline_is_late_and_a_frame_that_waited_longer_is_stale():
    answers = Answers(held=True)
    live = answers.live(deadline_ms=20.0, waiting=3)
    live.push(frame(0))
    assert answers.at_work.wait(20)
    live.push(frame(1))
    live.push(frame(2), deadline_ms=60_000.0)
    time.sleep(0.05)
    answers.may.set()
    live.finish()
    late, stale, patient = live
    assert (late.status, late.answer) == (Status.LATE, 0)
    assert "its deadline was 20 ms" in late.reason
    assert late.require() == 0
    assert (stale.status, stale.answer) == (Status.DROPPED, None)
    assert stale.reason.startswith("stale: it waited ")
    assert (patient.status, patient.reason) == (Status.DELIVERED, "")
    assert patient.latency_ms >= 50


def test_closing_cancels_what_waits_and_the_outcomes_can_still_be_read():
    answers = Answers(held=True)
    with answers.live(waiting=8) as live:
        live.push(frame(0))
        assert answers.at_work.wait(20)
        live.push(frame(1))
        live.push(frame(2))
        threading.Timer(0.05, answers.may.set).start()
    live.close()
    assert [outcome.status for outcome in live] == [Status.DELIVERED] + [Status.CANCELLED] * 2
    assert answers.released == 1
    assert live.take() is None
    with pytest.raises(sdk.SessionError, match="after finish"):
        live.push(frame(3))


def test_nothing_to_take_is_none():
    with Answers().live() as live:
        assert live.take(0) is None
        assert live.take(0.01) is None
        live.push(frame(5))
        assert live.take(20).answer == 5


def test_a_run_begins_with_frame_0_or_when_told_even_if_that_frame_is_dropped():
    answers = Answers(held=True)
    live = answers.live(waiting=1)
    assert len(pushed(live, answers, [0, 1, 2, 0, 1])) == 5
    assert answers.begun == [1]

    answers = Answers()
    with answers.live(waiting=9) as live:
        for index in (0, 1, 7, 8):
            if index == 7:
                live.begin_run()
            live.push(frame(index))
        live.finish()
        assert len(list(live)) == 4
    assert answers.begun == [7]


@pytest.mark.parametrize("remembers", [False, True])
def test_answers_that_lack_frames_of_their_run_say_so(remembers):
    answers = Answers(remembers=remembers, held=True)
    outcomes = pushed(answers.live(), answers, [0, 1, 2, 3])
    assert outcomes[0].notes == ()
    expected = "frames of its run that were dropped: 2; the answer lacks them"
    assert outcomes[3].notes == ((expected,) if remembers else ())


def test_an_error_is_the_outcome_of_its_frame_and_the_next_is_answered(caplog):
    answers = Answers()
    with answers.live(waiting=9) as live:
        live.push(replace(frame(0), user=ZeroDivisionError("by zero")))
        live.push(replace(frame(1), user=sdk.SessionError("it is busy")))
        live.push(frame(2))
        live.push(replace(frame(3), user=SystemExit(1)))
        live.finish()
        first, second, third, fourth = live
    assert (fourth.status, fourth.reason) == (Status.FAILED, "SystemExit: 1")
    assert (first.status, first.reason) == (Status.FAILED, "ZeroDivisionError: by zero")
    assert (second.status, second.reason) == (Status.FAILED, "it is busy")
    assert third.answer == 2
    raised = [record.exc_info[0] for record in caplog.records]
    assert raised == [ZeroDivisionError, SystemExit]


def test_a_begin_that_met_a_busy_session_is_that_of_the_next_frame():
    answers = Answers()
    with answers.live(waiting=9) as live:
        live.begin_run()
        live.push(replace(frame(0), user=sdk.SessionError("it is busy")))
        live.push(frame(1))
        live.finish()
        assert len(list(live)) == 2
    assert answers.begun == [0, 1]


def test_outcomes_that_nobody_reads_do_not_pile_up_for_ever():
    with Answers().live(waiting=UNREAD) as live:
        for index in range(UNREAD):
            live.push(frame(index))
        with pytest.raises(sdk.SessionError, match="read them"):
            live.push(frame(UNREAD))
        assert live.take(20).frame.index == 0
        live.push(frame(UNREAD))
        assert live.ledger.pushed == UNREAD + 1


@pytest.mark.parametrize("overflow", ["newest", "oldest"])
def test_every_frame_is_accounted_for_at_any_pace(overflow):
    pace, answers = random.Random(7), Answers()
    answer = answers.answer

    def unsteady(*args):
        time.sleep(pace.choice([0, 0, 0.0005, 0.002]))
        return answer(*args)

    answers.answer = unsteady
    live = answers.live(overflow=overflow, waiting=3, deadline_ms=2.0)

    def scanner():
        for index in range(400):
            live.push(frame(index))
            time.sleep(pace.choice([0, 0, 0.001]))
        live.finish()

    thread = threading.Thread(target=scanner)
    thread.start()
    outcomes = list(live)
    thread.join()
    assert [outcome.frame.index for outcome in outcomes] == list(range(400))
    ledger = live.ledger
    assert (ledger.pushed, ledger.waiting) == (400, 0)
    for status, count in ledger.ended.items():
        assert count == sum(outcome.status is status for outcome in outcomes)
    assert all((o.answer is None) == (o.status is Status.DROPPED) for o in outcomes)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"deadline_ms": 0}, "above 0 ms"),
        ({"deadline_ms": float("nan")}, "above 0 ms"),
        ({"overflow": "random"}, "newest, oldest"),
        ({"deadline_ms": "100"}, "above 0 ms"),
        ({"waiting": 0}, "a whole number from 1 on"),
        ({"waiting": 1.5}, "a whole number from 1 on"),
    ],
)
def test_options_that_are_none_are_refused(options, said):
    with pytest.raises(sdk.SessionError, match=said):
        LiveOptions(**options)


def test_what_is_no_frame_is_refused():
    with Answers().live() as live:
        with pytest.raises(TypeError, match=r"expected an sdk\.Frame, got ndarray"):
            live.push(PIXELS)
        with pytest.raises(sdk.SessionError, match="above 0 ms"):
            live.push(frame(0), deadline_ms=-1)
