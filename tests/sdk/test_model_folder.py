"""A model folder is taken whole and unaltered, or refused with the reason."""

import json

import pytest

from sdk import ModelFolderError
from sdk.golden import Golden
from sdk.model_folder import (
    FORMAT_VERSION,
    IntendedInput,
    Manifest,
    ModelFolder,
    write_folder,
)

MANIFEST = Manifest(task="segmentation", graphs={"fp32": "graph.onnx"})


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "model", MANIFEST, {"graph.onnx": b"graph"})


def rewrite(folder, **changes):
    path = folder.path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_reads_what_was_written(folder):
    assert folder.manifest.task == "segmentation"
    assert folder.graph("fp32").read_bytes() == b"graph"
    assert ModelFolder.open(folder.path).manifest == folder.manifest


@pytest.mark.parametrize(
    ("note", "trained_on", "said"),
    [
        ("Phantoms only.", "phantoms", ("Phantoms only.",)),
        ("", "phantoms only", ("The network was trained on phantoms only.",)),
        ("", None, ()),
    ],
)
def test_it_warns_of_what_the_network_was_trained_on(note, trained_on, said):
    origin = {"trained_on": trained_on} if trained_on else {}
    manifest = Manifest(
        task="segmentation",
        graphs={},
        intended_input=IntendedInput(note=note),
        origin=origin,
    )
    assert manifest.warnings == said


def test_an_altered_file_is_refused(folder):
    folder.graph("fp32").write_bytes(b"grapf")
    with pytest.raises(ModelFolderError, match=r"graph\.onnx was altered"):
        ModelFolder.open(folder.path)


def test_a_missing_file_is_refused(folder):
    folder.graph("fp32").unlink()
    with pytest.raises(ModelFolderError, match="cannot be read"):
        ModelFolder.open(folder.path)


def test_a_graph_without_a_hash_is_refused(folder):
    rewrite(folder, graphs={"fp32": "other.onnx"})
    with pytest.raises(ModelFolderError, match=r"other\.onnx but has no hash"):
        ModelFolder.open(folder.path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": FORMAT_VERSION + 1}, "update angioedge"),
        ({"format_version": None}, "not written by angioedge"),
        ({"colour": "red"}, "colour"),
        ({"files": {"../secret": "0"}}, "outside the folder"),
        ({"files": {"/etc/hostname": "0"}}, "outside the folder"),
        ({"files": None}, "files must be an object, got null"),
        ({"graphs": ["graph.fp32.onnx"]}, "graphs must be an object, got a list"),
        ({"task": []}, "task must be a text, got a list"),
        ({"intended_input": {"min_size": 5}}, "min_size must be a list, got a whole number"),
        ({"golden": {"tolerance": "small"}}, "tolerance must be a number, got a text"),
        ({"precision_options": {"int8": None}}, r"precision_options\.int8 must be an object"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder, changes, message):
    rewrite(folder, **changes)
    with pytest.raises(ModelFolderError, match=message):
        ModelFolder.open(folder.path)


@pytest.mark.parametrize("content", ["", "[]", "{", '"text"'])
def test_a_manifest_that_is_no_object_is_refused(folder, content):
    (folder.path / "manifest.json").write_text(content)
    with pytest.raises(ModelFolderError, match=r"manifest\.json"):
        ModelFolder.open(folder.path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ModelFolderError, match="this is a file"):
        ModelFolder.open(tmp_path / "file")
    with pytest.raises(ModelFolderError, match="there is no such folder"):
        ModelFolder.open(tmp_path / "nowhere")


def test_a_precision_that_is_not_there_names_those_that_are(folder):
    with pytest.raises(ModelFolderError, match="has no int8 graph, it has fp32"):
        folder.graph("int8")


def test_golden_vectors_that_are_none_are_refused(tmp_path):
    manifest = Manifest(task="segmentation", graphs={}, golden=Golden())
    folder = write_folder(tmp_path / "model", manifest, {"golden.npz": b"not an archive"})
    with pytest.raises(ModelFolderError, match="no golden vectors"):
        folder.golden()
