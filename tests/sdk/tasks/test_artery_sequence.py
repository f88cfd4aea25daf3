"""The arteries of a run grow frame by frame, live as offline, and every run starts anew."""

import dataclasses
import threading

import folders
import numpy as np
import pytest
from folders import SIDE

import sdk
from sdk import Frame, Session, Status
from sdk.acceptance import qualify
from sdk.backends import TakeoverBackend, open_backend
from sdk.model_folder import ModelFolder
from sdk.tasks import make_task

SOURCE = 128


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return folders.artery_folder(tmp_path_factory.mktemp("arteries") / "model").path


@pytest.fixture
def session(folder):
    with Session(folder, task=sdk.ArterySequence, threads=1) as session:
        yield session


def bolus(count, *, times=True, seed=0):
    """Noise, and a bar per frame that fills and empties again: rows 8 i to 8 i + 4."""
    rng = np.random.default_rng(seed)
    run = []
    for index in range(count):
        pixels = rng.normal(2000, 20, (SOURCE, SOURCE))
        if index:
            pixels[8 * index : 8 * index + 4, 16:112] -= 800
        run.append(
            Frame(
                pixels=pixels.round().astype(np.uint16),
                index=index,
                time_ms=250.0 * index if times else None,
                pixel_spacing_mm=(0.5, 0.5),
                bits_stored=12,
            )
        )
    return run


def bars(first, last):
    mask = np.zeros((SOURCE, SOURCE), np.uint8)
    for index in range(max(first, 1), last + 1):
        mask[8 * index : 8 * index + 4, 16:112] = 1
    return mask


def same(a, b):
    assert a.frames == b.frames
    pairs = [
        (a.vessels.mask, b.vessels.mask),
        (a.filled.mask, b.filled.mask),
        (a.centreline.points, b.centreline.points),
        (a.centreline.radius, b.centreline.radius),
        (a.arrival_frame, b.arrival_frame),
        (a.arrival_ms, b.arrival_ms),
    ]
    for left, right in pairs:
        np.testing.assert_array_equal(left, right)


def test_arteries_add_up_and_fill_one_by_one(session):
    for index, outcome in enumerate(session.stream(bolus(6))):
        answer = outcome.require()
        assert answer.frames == index + 1
        np.testing.assert_array_equal(answer.vessels.mask, bars(1, index))
        np.testing.assert_array_equal(answer.filled.mask, bars(index, index))


def test_contrast_arrives_when_it_is_first_seen(session):
    answer = list(session.stream(bolus(5)))[-1].require()
    for index in range(1, 5):
        bar = bars(index, index) > 0
        assert (answer.arrival_frame[bar] == index).all()
        assert (answer.arrival_ms[bar] == 250.0 * index).all()
    assert (answer.arrival_frame[answer.vessels.mask == 0] == -1).all()
    assert np.isnan(answer.arrival_ms[answer.vessels.mask == 0]).all()


def test_radius_is_in_mm(session):
    answer = list(session.stream(bolus(3)))[-1].require()
    assert answer.centreline.unit == "mm"
    assert np.median(answer.centreline.radius) == pytest.approx(1.0, abs=0.26)  # 4 rows of 0.5 mm


def test_live_is_offline_bit_for_bit(session):
    run = bolus(7)
    offline = {n: list(session.stream(run[:n]))[-1].require() for n in (1, 4, 7)}
    session.reset()
    for count, frame in enumerate(run, start=1):
        answer = session(frame).require()
        if count in offline:
            same(answer, offline[count])


def test_one_frame_is_a_run(session):
    (outcome,) = session.stream(bolus(2)[1:])
    np.testing.assert_array_equal(outcome.require().vessels.mask, bars(1, 1))


def test_a_new_run_remembers_nothing(session):
    list(session.stream(bolus(6)))
    first = next(iter(session.stream(bolus(2)[1:]))).require()
    assert first.frames == 1
    np.testing.assert_array_equal(first.vessels.mask, bars(1, 1))


def test_the_first_frame_sets_the_window_of_the_run(session):
    """A later frame that is nothing but contrast is not stretched back to the background."""
    *early, dark = bolus(3)
    flooded = Frame(pixels=dark.pixels - 800, index=2, time_ms=500.0, bits_stored=12)
    answer = list(session.stream([*early, flooded]))[-1].require()
    assert answer.filled.area_px == SOURCE * SOURCE


def test_a_rejected_frame_leaves_the_run_as_it_is(session):
    run = bolus(4)
    expected = list(session.stream(run))[-1].require()
    stranger = Frame(pixels=np.full((64, 64), 9, np.uint16), index=9)
    outcomes = list(session.stream([*run[:2], stranger, *run[2:]]))
    assert outcomes[2].status is Status.REJECTED
    assert "reset the session" in outcomes[2].reason
    same(outcomes[-1].require(), expected)


def test_a_frame_subtracted_from_itself_cannot_begin_a_run(session):
    pixels = bolus(1)[0].pixels
    own = Frame(pixels=pixels, mask=sdk.Mask(pixels=pixels))
    outcome, *_ = session.stream([own])
    assert outcome.status is Status.REJECTED
    assert "subtracted from itself" in outcome.reason


def test_without_times_there_is_no_time_of_arrival(session):
    answer = list(session.stream(bolus(3, times=False)))[-1].require()
    assert answer.arrival_ms is None
    assert answer.arrival_frame.max() == 2


def test_golden_vectors_of_a_network_that_forgets_are_refused(tmp_path):
    folder = folders.artery_folder(tmp_path / "model", forgetful=True)
    with pytest.raises(sdk.BackendError, match="golden frame 1: arteries differs"):
        Session(folder.path)


def test_limits_on_one_side_of_the_background_are_refused():
    with pytest.raises(ValueError, match="both sides of 0"):
        sdk.ArterySequence(size=(SIDE, SIDE), limits=(0.5, 1.0))


def test_frames_are_one_run_until_a_reset_and_only_then_another_backend_takes_over(folder):
    opened = ModelFolder.open(folder)
    first, other = (open_backend(opened.graph("fp32"), threads=1) for _ in range(2))
    first.name, other.name, go = "first", "other", threading.Event()
    backend = TakeoverBackend(first, lambda: go.wait(60) and other, wanted="the other")
    with Session(folder, backend=backend, task=sdk.ArterySequence) as session:
        run = bolus(4)
        session(run[0])
        go.set()
        assert backend.wait(60)
        outcomes = [session(frame) for frame in run[1:]]
        assert {outcome.backend for outcome in outcomes} == {"first"}
        expected = outcomes[-1].require()
        np.testing.assert_array_equal(expected.vessels.mask, bars(1, 3))
        session.reset()
        outcomes = [session(frame) for frame in run]
        assert {outcome.backend for outcome in outcomes} == {"other"}
        same(outcomes[-1].require(), expected)


def test_a_certificate_compares_the_frames_of_one_run(folder):
    opened = ModelFolder.open(folder)
    reference, candidate = (open_backend(opened.graph("fp32"), threads=1) for _ in range(2))
    certificate = qualify(opened, make_task(opened), "fp32", reference, candidate)
    assert certificate.passed
    assert set(certificate.agreements) == {"dice", "filled_dice"}
    assert certificate.differences["arteries"].found == 0.0


def test_another_library_follows_a_run_too(folder, session):
    pytest.importorskip("openvino")
    with Session(folder, backend="openvino") as other:
        for _ in range(2):  # a second run remembers nothing of the first
            outcomes = zip(session.stream(bolus(5)), other.stream(bolus(5)), strict=True)
            for expected, got in outcomes:
                same(got.require(), expected.require())


def subtracted(run):
    mask = sdk.Mask(pixels=np.full((SOURCE, SOURCE), 2000, np.uint16))
    return [dataclasses.replace(frame, mask=mask) for frame in run]


def test_a_run_begins_where_its_frames_are_subtracted(session):
    run = bolus(7)
    native = [dataclasses.replace(frame, pixels=frame.pixels // 2) for frame in run[:2]]
    outcomes = list(session.stream([*native, *subtracted(run[2:])]))
    alone = list(session.stream(subtracted(run[2:])))
    assert [outcome.require().frames for outcome in outcomes] == [1, 2, 1, 2, 3, 4, 5]
    for got, expected in zip(outcomes[2:], alone, strict=True):
        same(got.require(), expected.require())


@pytest.mark.parametrize(
    ("change", "meaning"),
    [
        ({"mask": None}, "native LIN of 12 bits"),
        ({"intensity": sdk.Intensity.LOG}, "subtracted LOG of 12 bits"),
        ({"inverted": True}, "subtracted LIN of 12 bits, inverted"),
        ({"bits_stored": 16}, "subtracted LIN of 16 bits"),
    ],
)
def test_a_frame_whose_values_mean_something_else_is_rejected_and_the_run_kept(
    session, change, meaning
):
    run = subtracted(bolus(8))
    stranger = dataclasses.replace(run[5], **change)
    outcomes = list(session.stream([*run[:5], stranger, *run[6:]]))
    alone = list(session.stream(run[:5] + run[6:]))
    assert outcomes[5].status is Status.REJECTED
    assert f"values are {meaning}, those of the run so far subtracted LIN" in outcomes[5].reason
    assert [o.answer.frames for o in outcomes if o.answer] == [1, 2, 3, 4, 5, 6, 7]
    for got, expected in zip(outcomes[6:], alone[5:], strict=True):
        same(got.require(), expected.require())


def test_a_run_that_was_never_subtracted_says_so(session):
    for outcome in session.stream(bolus(2)):
        assert outcome.notes == ("it has no mask, and is taken as subtracted already",)
    for outcome in session.stream(subtracted(bolus(2))):
        assert outcome.notes == ()


def test_arrival_names_frames_by_their_index(session):
    run = bolus(6)
    blank = dataclasses.replace(run[1], pixels=np.full((64, 64), 9, np.uint16))
    answer = list(session.stream([run[0], blank, *run[2:4], run[5]]))[-1].require()
    assert answer.frames == 4
    for index in (2, 3, 5):
        bar = bars(index, index) > 0
        assert (answer.arrival_frame[bar] == index).all()
        assert (answer.arrival_ms[bar] == 250.0 * index).all()


def test_arrival_counts_frames_that_are_not_numbered(session):
    run = [dataclasses.replace(frame, index=0) for frame in bolus(4)]
    answer = list(session.stream(run))[-1].require()
    for index in (1, 2, 3):
        assert (answer.arrival_frame[bars(index, index) > 0] == index).all()


def test_one_frame_without_a_time_ends_the_times_of_arrival(session):
    run = bolus(4)
    run[1] = dataclasses.replace(run[1], time_ms=None)
    answers = [outcome.require() for outcome in session.stream(run)]
    assert [answer.arrival_ms is None for answer in answers] == [False, True, True, True]
