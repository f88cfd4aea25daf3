"""A session verifies before it answers, and accounts for every frame."""

import gc
import json
import threading
import tracemalloc

import folders
import numpy as np
import pytest
from folders import SIDE, dark_square

import sdk
from sdk import Frame, Session, Status


@pytest.fixture
def folder(tmp_path):
    return folders.quality_folder(tmp_path / "model").path


def frames(count, side=128):
    return [Frame(pixels=dark_square(side), index=i, time_ms=33.0 * i) for i in range(count)]


def edit_manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_answers_in_source_pixels(folder):
    with Session(folder, task=sdk.AngiogramQuality) as session:
        answer = session(Frame(pixels=dark_square(), pixel_spacing_mm=(0.5, 0.25))).require()
    expected = dark_square() < 100
    np.testing.assert_array_equal(answer.vessels.mask, expected)
    assert answer.vessels.area_px == expected.sum()
    assert answer.vessels.area_mm2 == pytest.approx(expected.sum() * 0.125)
    assert answer.vessels.count == 1
    assert sum(answer.probabilities) == pytest.approx(1.0)


def test_streams_every_frame_in_order_with_its_identity(folder):
    run = [Frame(pixels=dark_square(), index=i, user=object()) for i in range(5)]
    with Session(folder) as session:
        outcomes = list(session.stream(run))
    assert [outcome.frame for outcome in outcomes] == run
    assert {outcome.status for outcome in outcomes} == {Status.DELIVERED}
    assert {outcome.backend for outcome in outcomes} == {"onnxruntime-cpu"}


def test_every_stage_is_timed(folder):
    with Session(folder) as session:
        outcome = next(session.stream(frames(1)))
        assert set(outcome.stages_ms) == {"decode", "preprocess", "inference", "postprocess"}
        assert outcome.latency_ms == pytest.approx(sum(outcome.stages_ms.values()))
        assert session.latency.summary()["inference"].frames == 1


def test_a_frame_with_nothing_in_it_is_rejected_and_the_run_goes_on(folder):
    run = [Frame(pixels=np.full((128, 128), 7, np.uint16)), *frames(1)]
    with Session(folder) as session:
        blank, good = session.stream(run)
    assert blank.status is Status.REJECTED
    assert "nothing in it" in blank.reason
    assert good.status is Status.DELIVERED
    with pytest.raises(sdk.FrameError, match="nothing in it"):
        blank.require()


def test_a_frame_outside_the_intended_input_is_answered_with_a_note(folder):
    edit_manifest(folder, intended_input={"bits_stored": [8, 12], "intensity": ["LOG"]})
    with Session(folder) as session:
        outcome = session(Frame(pixels=dark_square(), bits_stored=16))
    assert outcome.status is Status.DELIVERED
    assert outcome.notes == (
        "16 bits stored, made for 8 to 12",
        "LIN intensity, made for LOG",
    )


@pytest.mark.parametrize("side", [64, 100, 512])
def test_any_frame_size_is_answered_in_its_own_pixels(folder, side):
    with Session(folder) as session:
        answer = session(Frame(pixels=dark_square(side))).require()
    expected = dark_square(side) < 100
    assert answer.vessels.mask.shape == (side, side)
    assert np.count_nonzero(answer.vessels.mask != expected) <= 0.03 * side * side


def test_an_inverted_frame_gives_the_same_answer(folder):
    pixels = dark_square()
    with Session(folder) as session:
        plain = session(Frame(pixels=pixels, bits_stored=12)).require()
        flipped = Frame(pixels=4095 - pixels, bits_stored=12, inverted=True)
        np.testing.assert_array_equal(session(flipped).require().vessels.mask, plain.vessels.mask)


def test_a_mask_is_subtracted(folder):
    anatomy = np.random.default_rng(0).integers(1000, 3000, (128, 128)).astype(np.uint16)
    live = anatomy.copy()
    live[32:64, 32:64] //= 2
    with Session(folder) as session:
        frame = Frame(pixels=live, mask=sdk.Mask(pixels=anatomy))
        mask = session(frame).require().vessels.mask
    np.testing.assert_array_equal(mask, live < anatomy)


def test_golden_vectors_that_do_not_come_out_are_refused(tmp_path):
    path = folders.quality_folder(tmp_path / "model").path
    other = folders.quality_folder(tmp_path / "other", options={"size": [SIDE, SIDE]})
    archive = dict(np.load(other.path / "golden.npz"))
    archive["0/outputs/grade"] = archive["0/outputs/grade"] + 1.0
    np.savez(path / "golden.npz", **archive)
    files = json.loads((path / "manifest.json").read_text())["files"]
    from sdk.model_folder import sha256_of

    edit_manifest(path, files=files | {"golden.npz": sha256_of(path / "golden.npz")})
    with pytest.raises(sdk.BackendError, match="grade differs"):
        Session(path)


def test_a_graph_that_does_not_fit_its_task_is_refused(folder):
    edit_manifest(folder, options={"size": [32, 32]})
    with pytest.raises(sdk.ModelFolderError, match="does not fit its task") as error:
        Session(folder)
    assert "frame: float32 [1, 1, 32, 32]" in str(error.value)
    assert f"frame: float32 [1, 1, {SIDE}, {SIDE}]" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "tea_making"}, "update angioedge"),
        ({"options": {"sise": [64, 64]}}, "sise"),
        ({"options": {"threshold": 2.0}}, "do not fit"),
    ],
)
def test_a_manifest_the_task_cannot_use_is_refused(folder, changes, message):
    edit_manifest(folder, **changes)
    with pytest.raises(sdk.ModelFolderError, match=message):
        Session(folder)


def test_a_folder_for_another_task_is_refused(folder):
    with pytest.raises(sdk.ModelFolderError, match="expected 'segmentation'"):
        Session(folder, task=sdk.Segmentation)


def test_a_closed_session_says_so(folder):
    session = Session(folder)
    session.close()
    session.close()
    with pytest.raises(sdk.SessionError, match="closed"):
        session(frames(1)[0])


class SlowBackend(sdk.ReplayBackend):
    """Holds a run until it is told to go on."""

    def __init__(self, *args):
        super().__init__(*args)
        self.entered, self.go = threading.Event(), threading.Event()

    def run(self):
        self.entered.set()
        self.go.wait(10)
        super().run()


def recorded_outputs(task):
    return [{spec.name: np.zeros(spec.shape, spec.dtype) for spec in task.outputs}]


def test_a_second_thread_is_refused_while_a_frame_is_answered(folder):
    task = sdk.AngiogramQuality(size=(SIDE, SIDE))
    backend = SlowBackend(task.inputs, recorded_outputs(task))
    session = Session(folder, backend=backend)
    thread = threading.Thread(target=session, args=(frames(1)[0],))
    thread.start()
    backend.entered.wait(10)
    with pytest.raises(sdk.SessionError, match="one session per thread"):
        session(frames(1)[0])
    backend.go.set()
    thread.join()


class FailingBackend(sdk.ReplayBackend):
    def run(self):
        raise sdk.BackendError("the device is gone")


def test_a_failing_backend_is_an_outcome(folder):
    task = sdk.AngiogramQuality(size=(SIDE, SIDE))
    session = Session(folder, backend=FailingBackend(task.inputs, recorded_outputs(task)))
    outcome = session(frames(1)[0])
    assert outcome.status is Status.FAILED
    assert outcome.reason == "the device is gone"
    assert outcome.backend == "replay"
    with pytest.raises(sdk.BackendError, match="the device is gone"):
        outcome.require()


def test_latency_is_that_of_what_was_answered(folder):
    blank = Frame(pixels=np.full((128, 128), 7, np.uint16))
    with Session(folder) as session:
        session(frames(1)[0])
        assert [session(blank).status for _ in range(3)] == 3 * [Status.REJECTED]
        latency = session.latency.summary()["inference"]
    assert (latency.frames, latency.p50_ms > 0) == (1, True)


def test_what_the_kernels_refuse_is_the_frames_fault(folder, monkeypatch):
    def refuse(*_):
        raise ValueError("points lie too far apart")

    with Session(folder) as session:
        monkeypatch.setattr(session.task, "postprocess", refuse)
        outcome = session(frames(1)[0])
    assert (outcome.status, outcome.answer) == (Status.REJECTED, None)
    assert outcome.reason == "points lie too far apart"


def test_nothing_grows_while_frames_flow(folder):
    with Session(folder) as session:
        frame = frames(1)[0]
        tracemalloc.start()
        for _ in range(1500):  # libraries fill their caches
            session(frame)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(2000):
            session(frame)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert after - before < 2000 * 20  # no Python object is that small


def test_a_run_that_is_not_followed_to_its_end_is_over(folder):
    with Session(folder) as session:
        run = session.stream(frames(3))
        next(run)
        run.close()
        next(session.stream(frames(3)))  # dropped at once
        assert [outcome.status for outcome in session.stream(frames(2))] == 2 * [Status.DELIVERED]


@pytest.mark.parametrize("name", ["vessels", "grade"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_no_numbers_are_a_failure(folder, name, value):
    task = sdk.AngiogramQuality(size=(SIDE, SIDE))
    (bad,), (good,) = recorded_outputs(task), recorded_outputs(task)
    bad[name].flat[-1] = value
    with Session(folder, backend=sdk.ReplayBackend(task.inputs, [bad, good])) as session:
        outcome, later = (session(frame) for frame in frames(2))
    assert outcome.status is Status.FAILED
    assert f"replay gave NaN or infinities as {name}" in outcome.reason
    assert later.status is Status.DELIVERED


def test_what_is_no_frame_is_an_error_of_the_caller(folder):
    with Session(folder) as session:
        with pytest.raises(TypeError, match=r"expected an sdk\.Frame, got ndarray; wrap pixels"):
            session(dark_square())
        with pytest.raises(TypeError, match=r"expected an sdk\.Frame, got ndarray"):
            list(session.stream([dark_square()]))
        with pytest.raises(TypeError, match=r"expected an sdk\.Frame, got NoneType"):
            list(session.stream([*frames(1), None, *frames(3)[2:]]))
        assert session(frames(1)[0]).status is Status.DELIVERED


@pytest.mark.parametrize("threads", [0, -5, 1.5, "x"])
def test_no_number_of_threads_is_refused(folder, threads):
    with pytest.raises(sdk.SessionError, match="threads must be a whole number from 1 on, got"):
        Session(folder, threads=threads)


@pytest.mark.parametrize("task", ["angiogram_quality", sdk.AngiogramQuality(), sdk.Frame])
def test_no_class_of_task_is_refused(folder, task):
    with pytest.raises(sdk.SessionError, match="task must be a class such as"):
        Session(folder, task=task)


def test_values_that_need_more_bits_are_noted(folder):
    pixels = dark_square()  # up to 3000
    with Session(folder) as session:
        (note,) = session(Frame(pixels=pixels, bits_stored=10)).notes
        assert session(Frame(pixels=pixels, bits_stored=12)).notes == ()
    assert note == "values up to 3000 are above the 1023 that 10 bits hold; correct bits_stored"
