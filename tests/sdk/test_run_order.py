"""Frames of a run are answered in its order, each once; what comes otherwise is rejected."""

import folders
import numpy as np
import pytest
from folders import dark_square

from sdk import BackendError, Frame, Session, SessionError, Status
from sdk.run_order import RunOrder

PIXELS = dark_square()
NOISE = np.random.default_rng(0).integers(1000, 3000, (128, 128), np.uint16)


@pytest.fixture(scope="module")
def quality(tmp_path_factory):
    with Session(folders.quality_folder(tmp_path_factory.mktemp("quality")).path) as session:
        yield session


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Of a task with states: frames that are given one by one are one run."""
    with Session(folders.artery_folder(tmp_path_factory.mktemp("arteries")).path) as session:
        yield session


@pytest.fixture
def arteries(followed):
    followed.reset()
    return followed


def frames(*places, time_ms=None):
    return [Frame(pixels=NOISE, index=index, time_ms=time_ms) for index in places]


def delivered(outcomes):
    return [outcome.status is Status.DELIVERED for outcome in outcomes]


@pytest.mark.parametrize(
    ("places", "taken"),
    [
        ([(0, None), (1, None), (4, None)], "yyy"),  # gaps are allowed
        ([(3, None), (1, None), (1, None), (0, None)], "ynnn"),
        ([(3, None), (3, None), (4, None)], "yny"),
        ([(0, None), (0, None), (0, None)], "yyy"),  # not numbered
        ([(0, 0.0), (0, 0.0), (0, 33.0), (0, 20.0)], "ynyn"),
        ([(0, 0.0), (1, 0.0), (2, 33.0), (3, 20.0)], "yyyn"),  # a rounded time may be shared
        ([(0, 40.0), (1, None), (2, 33.0)], "yyn"),
        ([(0, None), (1, 5.0), (0, 10.0)], "yyn"),
    ],
)
def test_a_frame_comes_after_the_last_that_was_taken(places, taken):
    order, found = RunOrder(), ""
    for index, time_ms in places:
        frame = Frame(pixels=PIXELS, index=index, time_ms=time_ms)
        fits = not order.objection(frame)
        found += "y" if fits else "n"
        if fits:
            order.add(frame)
    assert found == taken
    order.reset()
    assert order.objection(Frame(pixels=PIXELS)) == ""


@pytest.mark.parametrize("kind", ["quality", "arteries"])
def test_a_stream_rejects_what_is_out_of_order_and_goes_on(kind, request):
    session = request.getfixturevalue(kind)
    outcomes = list(session.stream(frames(3, 1, 3, 0, 4)))
    assert delivered(outcomes) == [True, False, False, False, True]
    assert "frame 1 came after frame 3: the frames of a run must come in" in outcomes[1].reason
    assert delivered(session.stream(frames(0, 1))) == [True, True]


def test_frames_given_one_by_one_are_one_run_until_a_reset(arteries):
    assert delivered(map(arteries, frames(2, 3, 3, 1, 4))) == [True, True, False, False, True]
    arteries.reset()
    (outcome,) = map(arteries, frames(1))
    assert outcome.require().frames == 1


def test_frame_0_after_a_later_one_begins_another_run_and_says_so(arteries):
    outcomes = list(map(arteries, frames(0, 1, 0, 1)))
    assert [outcome.require().frames for outcome in outcomes] == [1, 2, 1, 2]
    said = ["frame 0 begins another run" in outcome.notes for outcome in outcomes]
    assert said == [False, False, True, False]


def test_frames_that_are_runs_of_their_own_have_no_order(quality):
    assert delivered(map(quality, frames(3, 1, 1, time_ms=5.0))) == [True] * 3
    run = quality.stream(frames(3, 4))
    assert delivered([next(run), quality(frames(1)[0]), next(run)]) == [True] * 3
    run.close()


def test_a_frame_that_failed_may_come_again(arteries, monkeypatch):
    def fail():
        raise BackendError("the device is gone")

    first, second = frames(0, 1)
    arteries(first)
    with monkeypatch.context() as broken:
        broken.setattr(arteries._backend, "run", fail)
        assert arteries(second).status is Status.FAILED
    assert arteries(second).require().frames == 2


@pytest.mark.parametrize("kind", ["quality", "arteries"])
def test_one_stream_is_followed_at_a_time(kind, request):
    session = request.getfixturevalue(kind)
    one, other = session.stream(frames(0, 1, 2)), session.stream(frames(5, 6))
    assert next(one).status is Status.DELIVERED
    with pytest.raises(SessionError, match="follows the run of another stream"):
        next(other)
    assert [outcome.frame.index for outcome in one] == [1, 2]
    assert delivered(session.stream(frames(5, 6))) == [True, True]


def test_a_frame_does_not_slip_into_the_run_of_a_stream(arteries):
    run = arteries.stream(frames(0, 1, 2))
    next(run)
    with pytest.raises(SessionError, match="follows the run of another stream"):
        arteries(frames(1)[0])
    assert [outcome.require().frames for outcome in run] == [2, 3]


def test_a_reset_gives_a_stream_up_for_another(arteries):
    given_up = arteries.stream(frames(0, 1, 2))
    next(given_up)
    arteries.reset()
    run = arteries.stream(frames(5, 6))
    assert next(run).require().frames == 1
    with pytest.raises(SessionError, match="follows the run of another stream"):
        next(given_up)
    assert next(run).require().frames == 2


def test_a_reset_within_a_stream_begins_a_run_within_it(arteries):
    numbers = []
    for outcome in arteries.stream(frames(0, 1, 0, 1)):
        numbers.append(outcome.require().frames)
        if outcome.frame.index == 1:
            arteries.reset()
    assert numbers == [1, 2, 1, 2]
