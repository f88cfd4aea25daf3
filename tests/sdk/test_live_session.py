"""A session answers pushed frames as those of a stored run, and mixes no runs."""

import folders
import numpy as np
import pytest
from folders import dark_square

import sdk
from sdk import Frame, Session, Status


def filling(count):
    """A noisy run in which a dark bar grows."""
    rng = np.random.default_rng(3)
    for index in range(count):
        pixels = rng.normal(2000, 20, (128, 128)).astype(np.uint16)
        pixels[:, 10 : 14 + 8 * index] -= 800
        yield Frame(pixels=pixels, index=index, time_ms=66.0 * index, bits_stored=12)


def test_a_live_run_is_answered_as_the_stored_one(tmp_path):
    folder, run = folders.artery_folder(tmp_path / "model").path, list(filling(6))
    with Session(folder) as session:
        stored = [outcome.require() for outcome in session.stream(run)]
        with session.live(waiting=len(run)) as live:
            for one in run:
                live.push(one)
            live.finish()
            pushed_ones = [outcome.require() for outcome in live]
    assert any(answer.vessels.mask.any() for answer in stored)
    for expected, got in zip(stored, pushed_ones, strict=True):
        np.testing.assert_array_equal(got.vessels.mask, expected.vessels.mask)


def areas(outcomes):
    return [(o.answer.frames, o.answer.vessels.area_px) for o in outcomes]


def test_runs_of_several_streams_are_not_mixed(tmp_path):
    """Whatever was answered in between, a frame of another stream begins a run."""
    run = list(filling(4))
    with Session(folders.artery_folder(tmp_path / "model").path) as session:
        (alone,) = areas(session.stream(run[3:]))
        live = session.live()
        live.push(run[0])
        assert live.take(20).answer.frames == 1
        session.reset()
        assert len(list(session.stream(run[1:3]))) == 2
        live.push(run[3])
        assert areas([live.take(20)]) == [alone]

        session.reset()
        first, other = session.stream(run), session.stream(run)
        next(first)
        session.reset()
        list(other)
        assert areas([next(first)])[0][0] == 1


def test_closing_a_session_ends_everything_that_is_live(tmp_path):
    session = Session(folders.quality_folder(tmp_path / "model").path)
    first = session.live()
    session.reset()
    second = session.live()
    session.close()
    for live in (first, second):
        assert live.over
        assert live.take() is None


def test_a_session_follows_one_stream_and_closes_what_is_live(tmp_path):
    session = Session(folders.quality_folder(tmp_path / "model").path)
    with session.live() as live:
        with pytest.raises(sdk.SessionError, match="another stream"):
            session.live()
        with pytest.raises(sdk.SessionError, match="another stream"):
            next(session.stream([Frame(pixels=dark_square())]))
        live.push(Frame(pixels=dark_square()))
        outcome = live.take(20)
    assert outcome.status is Status.DELIVERED
    assert set(outcome.stages_ms) == {"queue", "preprocess", "inference", "postprocess"}
    again = session.live()
    session.close()
    assert again.take() is None
    with pytest.raises(sdk.SessionError, match="this session is closed"):
        session.live()
