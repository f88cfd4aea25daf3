"""A session runs what was tuned on this machine, and says so when that does not hold any more."""

import json
import re
from dataclasses import replace

import folders
import pytest
from folders import twin_folder

import sdk
from sdk import Frame, Session, tuning
from sdk.backends import version_of
from sdk.model_folder import ModelFolder
from sdk.tuning import FILE, Measured, Setting, Tuning, read_tuning, write_tuning

FRAME = Frame(pixels=folders.dark_square(), bits_stored=12)


@pytest.fixture
def folder(tmp_path):
    return twin_folder(tmp_path / "model")


def record(folder, **changes):
    chosen = Setting(precision="int8", threads=1)
    made = Tuning(
        chosen=chosen,
        reason="int8 wins.",
        measured=(Measured(setting=chosen, rounds_ms=(1.0, 3.0, 2.0), median_ms=2.0),),
        left_out={"openvino": "not here"},
        machine=tuning.describe_machine(),
        graphs=tuning.graph_hashes(folder),
        versions={"onnxruntime": version_of("onnxruntime")},
    )
    return replace(made, **changes)


def test_what_was_written_is_read_back(folder):
    assert read_tuning(folder) == (None, "")
    write_tuning(folder, record(folder))
    assert read_tuning(folder) == (record(folder), "")
    ModelFolder.open(folder.path)


def test_a_session_runs_fp32_until_something_was_tuned(folder):
    with Session(folder.path) as session:
        assert (session.precision, session.notes) == ("fp32", ())
    write_tuning(folder, record(folder))
    with Session(folder.path) as session:
        assert (session.precision, session.notes) == ("int8", ())
        assert session(FRAME).notes == ()


def test_whoever_asks_gets_what_he_asks_for(folder):
    write_tuning(folder, record(folder))
    with Session(folder.path, precision="fp32") as session:
        assert session.precision == "fp32"
    with Session(folder.path, backend="onnxruntime") as session:
        assert (session.precision, session.backend) == ("fp32", "onnxruntime-cpu")
    task = sdk.AngiogramQuality(size=(folders.SIDE, folders.SIDE))
    replay = sdk.ReplayBackend(task.inputs, [folder.golden()[0][1]])
    with Session(folder.path, backend=replay) as session:
        assert session.backend == "replay"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"machine": {"processor": "Z80", "cores": "1"}}, "measured on Z80 with 1 cores, this is"),
        ({"graphs": {"fp32": "0", "int8": "0"}}, "the graphs were replaced"),
        ({"versions": {"onnxruntime": "0.1"}}, r"with onnxruntime 0.1, which is \d"),
        ({"versions": {}}, r"with onnxruntime of no known version, which is \d"),
        (
            {"chosen": Setting(library="caffe"), "versions": {"caffe": "0.1"}},
            "with caffe 0.1, which is missing here",
        ),
    ],
)
def test_a_choice_that_does_not_hold_here_is_ignored_and_said(folder, changes, said):
    write_tuning(folder, record(folder, **changes))
    with Session(folder.path) as session:
        assert session.precision == "fp32"
        (note,) = session(FRAME).notes
    assert note.startswith("tuned.json is ignored")
    assert re.search(said, note)


@pytest.mark.parametrize("content", ["{", "[]", "{}", json.dumps({"chosen": 3, "measured": []})])
def test_a_damaged_record_is_ignored_and_said(folder, content):
    (folder.path / FILE).write_text(content)
    with Session(folder.path) as session:
        assert session.precision == "fp32"
        assert "it cannot be read" in session.notes[0]


@pytest.mark.parametrize(
    "damage", [{"machine": []}, {"versions": None}, {"chosen": {"threads": "2"}}]
)
def test_a_record_with_one_damaged_field_is_ignored_and_said(folder, damage):
    path = write_tuning(folder, record(folder))
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with Session(folder.path) as session:
        assert session.precision == "fp32"
        assert "it cannot be read" in session.notes[0]


def test_libraries_that_were_not_chosen_are_not_looked_for(folder, monkeypatch):
    versions = {"onnxruntime": version_of("onnxruntime"), "caffe": "0.1", "openvino": "0.1"}
    write_tuning(folder, record(folder, versions=versions))
    asked = []
    monkeypatch.setattr(
        tuning, "version_of", lambda library: asked.append(library) or version_of(library)
    )
    with Session(folder.path) as session:
        assert (session.precision, session.notes) == ("int8", ())
    assert set(asked) == {"onnxruntime"}


def test_a_choice_of_a_graph_that_is_not_certified_is_ignored(tmp_path):
    folder = twin_folder(tmp_path / "model", certified=False)
    write_tuning(folder, record(folder))
    with Session(folder.path) as session:
        assert session.precision == "fp32"
        assert "not certified" in session.notes[0]


def test_running_a_graph_that_is_not_certified_is_said_with_every_frame(tmp_path):
    folder = twin_folder(tmp_path / "model", certified=False)
    with Session(folder.path, precision="int8") as session:
        outcome = session(FRAME)
    assert outcome.notes == ("the int8 graph is not certified to answer as fp32 does",)


def test_a_folder_that_cannot_be_written_is_said(folder):
    (folder.path / FILE).mkdir()
    with pytest.raises(sdk.ModelFolderError, match="cannot be written"):
        write_tuning(folder, record(folder))
