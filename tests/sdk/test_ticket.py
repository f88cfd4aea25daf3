"""A ticket knows how old its frame is and what that means."""

import time

import numpy as np
import pytest

import sdk
from sdk import Frame, Status
from sdk.ticket import Ticket, check_deadline


def ticket(deadline_ms=None):
    pixels = np.zeros((2, 2), np.uint8)
    return Ticket(frame=Frame(pixels=pixels), deadline_ms=deadline_ms, begins=False)


def test_without_a_deadline_nothing_is_too_old():
    one = ticket()
    one.take_turn()
    assert one.ended is None
    assert one.lateness(1e9) == ""


def test_a_turn_after_the_deadline_ends_it():
    one = ticket(1.0)
    time.sleep(0.01)
    one.take_turn()
    status, reason = one.ended
    assert status is Status.DROPPED
    assert reason == f"stale: it waited {one.waited_ms:.1f} ms, its deadline was 1 ms"
    assert one.waited_ms >= 10


def test_what_ended_before_stays_as_it_was():
    one = ticket(1.0)
    one.end(Status.CANCELLED, "closed")
    waited = one.waited_ms
    time.sleep(0.01)
    one.take_turn()
    assert (one.ended, one.waited_ms) == ((Status.CANCELLED, "closed"), waited)
    assert one.age_ms() > waited


@pytest.mark.parametrize("deadline", [0, -1.0, float("inf"), float("nan")])
def test_what_is_no_deadline_is_refused(deadline):
    check_deadline(None)
    check_deadline(0.1)
    with pytest.raises(sdk.SessionError, match="above 0 ms"):
        check_deadline(deadline)
