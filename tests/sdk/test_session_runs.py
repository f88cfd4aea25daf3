"""What a session remembers of a run, and what changes only between runs."""

import dataclasses
from threading import Event

import folders
import numpy as np
import pytest
from folders import SIDE

import sdk
from sdk.backends import TakeoverBackend
from sdk.model_folder import write_folder


def frames(count):
    rng = np.random.default_rng(0)
    return [
        sdk.Frame(pixels=rng.normal(2000, 20, (128, 128)).astype(np.uint16), index=index)
        for index in range(count)
    ]


def files_of(folder):
    return {name: (folder.path / name).read_bytes() for name in folder.manifest.files}


def test_a_run_says_what_it_lacks(tmp_path, monkeypatch):
    """A frame on which the backend fails is in the state that the network carries, or is not."""
    session = sdk.Session(folders.artery_folder(tmp_path / "model").path)
    said = "frames of its run that have no answer: 1; this one lacks them"
    run, check = frames(4), session._backend.check_outputs

    def fail(*_):
        raise sdk.BackendError("the device is gone")

    answered = session.stream(run)
    assert said not in next(answered).notes
    monkeypatch.setattr(session._backend, "check_outputs", fail)
    assert next(answered).status is sdk.Status.FAILED
    monkeypatch.setattr(session._backend, "check_outputs", check)
    assert [said in outcome.notes for outcome in answered] == [True, True]
    assert said not in next(session.stream(run)).notes


def test_a_frame_by_itself_does_not_join_the_run_of_a_stream(tmp_path):
    """The task itself remembers a run, also where its network carries no states."""
    task = sdk.ArterySequence(size=(SIDE, SIDE), state_names=())
    outputs = [{spec.name: np.zeros(spec.shape, spec.dtype) for spec in task.outputs}]
    opened = folders.artery_folder(tmp_path / "model")
    manifest = dataclasses.replace(
        opened.manifest, options={**opened.manifest.options, "state_names": []}
    )
    folder = write_folder(tmp_path / "plain", manifest, files_of(opened))
    with sdk.Session(folder.path, backend=sdk.ReplayBackend(task.inputs, outputs)) as session:
        run_of_3 = frames(3)
        run = session.stream(run_of_3)
        next(run)
        with pytest.raises(sdk.SessionError, match="follows the run of another stream"):
            session(run_of_3[2])
        assert next(run).require().frames == 2


def test_a_backend_takes_over_between_runs_and_not_within_one(tmp_path):
    folder = folders.quality_folder(tmp_path / "model").path
    task = sdk.AngiogramQuality(size=(SIDE, SIDE))
    outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in task.outputs}
    first, other = (sdk.ReplayBackend(task.inputs, [outputs]) for _ in range(2))
    first.name, other.name, go = "first", "other", Event()
    backend = TakeoverBackend(first, lambda: go.wait(60) and other, wanted="the other")
    with sdk.Session(folder, backend=backend) as session:
        run = session.stream(frames(3))
        assert next(run).notes == ("the other is not ready yet, first answers",)
        go.set()
        assert backend.wait(60)
        assert next(run).backend == "first"
        assert session(frames(1)[0]).backend == "first"  # the run goes on
        assert next(run).backend == "first"
        assert list(run) == []
        outcome = session(frames(1)[0])
        assert (outcome.backend, outcome.notes, session.backend) == ("other", (), "other")


def test_what_a_reader_says_of_a_frame_stands_in_its_outcome(tmp_path):
    with sdk.Session(folders.quality_folder(tmp_path / "model").path) as session:
        frame = sdk.Frame(pixels=folders.dark_square(), notes=("it stays native",))
        assert session(frame).notes == ("it stays native",)
