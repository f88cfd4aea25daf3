"""build, qualify and layers do what they say, on a stand-in for a device."""

import json
from importlib import import_module

import folders
import pytest
import stand_in_gpu
from click.testing import CliRunner

from sdk import EngineError
from sdk.backends import open_backend
from sdk.cli import angioedge


@pytest.fixture
def folder(tmp_path):
    return folders.quality_folder(tmp_path / "model")


@pytest.fixture
def toolkit(tmp_path, monkeypatch):
    (tmp_path / "gpu").mkdir()
    return stand_in_gpu.install(tmp_path / "gpu", monkeypatch)


def call(*arguments):
    result = CliRunner().invoke(angioedge, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_build_leaves_an_engine_that_is_certified_and_runs(folder, toolkit, tmp_path):
    cache = tmp_path / "engines"
    built = call("build", folder.path, "--cache", cache)
    assert built.exit_code == 0
    assert "passed" in built.output
    assert len(list(cache.glob("*/*.certificate.json"))) == 1


def test_qualify_writes_the_record_beside_the_engine_and_where_asked(folder, toolkit, tmp_path):
    plan = stand_in_gpu.lay_engine(folder, toolkit, tmp_path / "engines")
    out = tmp_path / "verdict.json"
    options = ("--cache", tmp_path / "engines", "--threads", 1, "--out", out)
    result = call("qualify", folder.path, *options)
    assert result.exit_code == 0
    beside = plan.path.with_suffix(".certificate.json")
    assert json.loads(out.read_text()) == json.loads(beside.read_text())
    assert "tensorrt-fp32 beside onnxruntime-cpu" in " ".join(result.output.split())


def test_qualify_of_what_answers_otherwise_exits_with_1(tmp_path):
    folder = folders.quality_folder(tmp_path / "model")
    path = folder.path / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["golden"]["answers"] = {"dice": 1.1}
    path.write_text(json.dumps(manifest))
    result = call("qualify", folder.path, "--backend", "onnxruntime", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["shortfalls"] == ["dice is 1.0, expected at least 1.1"]


def test_qualify_works_for_any_library(folder):
    result = call("qualify", folder.path, "--backend", "onnxruntime", "--threads", 2)
    assert result.exit_code == 0
    assert "passed" in result.output


def test_threads_are_those_of_both_sides(folder, monkeypatch):
    command, asked = import_module("sdk.cli.qualify"), []

    def opened(graph, **options):
        asked.append(options.get("threads"))
        return open_backend(graph, **options)

    monkeypatch.setattr(command, "open_backend", opened)
    call("qualify", folder.path, "--backend", "onnxruntime", "--threads", 2)
    assert asked == [2, 2]


def test_qualify_without_an_engine_says_how_to_build_one(folder, toolkit, tmp_path):
    with pytest.raises(EngineError, match="angioedge build"):
        call("qualify", folder.path, "--cache", tmp_path / "engines")


def test_layers_shows_the_slowest_first(folder, toolkit, tmp_path):
    stand_in_gpu.lay_engine(folder, toolkit, tmp_path / "engines")
    arguments = ("layers", folder.path, "--cache", tmp_path / "engines", "--runs", 2)
    shown = call(*arguments).output
    assert shown.index("second") < shown.index("first")
    assert "66.7%" in shown
    assert "launched as a graph" in " ".join(shown.split())
    report = json.loads(call(*arguments, "--json").output)
    assert report["times_ms"] == {"first": 0.25, "second": 0.5}
    assert [layer["Name"] for layer in report["layers"]] == ["first", "second"]
