"""``angioedge lint``: what it prints, and its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sketches import Sketch

from calibration.lint.command import lint_command

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "models" / "angiogram_quality" / "graph.fp32.onnx"


@pytest.fixture
def graph(tmp_path):
    """A graph with an error for TensorRT and none for ONNX Runtime."""
    sketch = Sketch()
    sketch.node("Relu", sketch.pair(sketch.input(), kind=np.uint8, zero=128))
    return sketch.save(tmp_path / "graph.onnx")


def test_errors_exit_with_1_and_none_with_0(graph):
    assert lint_command([str(graph), "--target", "tensorrt-10.3"]) == 1
    assert lint_command([str(graph), "--target", "ort-x86"]) == 0


@pytest.mark.parametrize(
    "arguments",
    [[], ["graph.onnx"], ["graph.onnx", "--target", "toaster"], ["--target", "ort-x86"]],
)
def test_a_wrong_call_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        lint_command(arguments)
    assert stop.value.code == 2
    assert "usage: angioedge lint" in capsys.readouterr().err


def test_json_holds_every_place_with_its_rule(graph, capsys):
    lint_command([str(graph), "--target", "tensorrt-10.3", "--json"])
    report = json.loads(capsys.readouterr().out)
    findings = {finding["rule"]: finding for finding in report["findings"]}
    assert report["target"] == "tensorrt-10.3"
    assert findings["zero-point"]["severity"] == "error"
    assert findings["zero-point"]["places"][0] == {
        "where": "QuantizeLinear_0",
        "what": "zero point 128",
    }
    assert all(
        finding[key] for finding in findings.values() for key in ("reason", "remedy", "source")
    )


def test_the_table_names_the_worst_first_and_counts(graph, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    lint_command([str(graph), "--target", "tensorrt-10.3"])
    printed = capsys.readouterr().out
    assert "zero-point" in printed
    assert "QuantizeLinear_0: zero point 128" in printed
    assert printed.index("error") < printed.index("note")
    assert printed.splitlines()[-1] == "2 errors, 0 warnings, 1 note"


def test_a_long_list_of_places_is_cut_in_the_table_only(tmp_path, capsys):
    sketch = Sketch()
    tensor = sketch.input()
    for _ in range(7):
        tensor = sketch.node("Dropout", tensor)
    path = str(sketch.save(tmp_path / "graph.onnx"))
    lint_command([path, "--target", "ort-x86"])
    assert "and 2 more" in capsys.readouterr().out
    lint_command([path, "--target", "ort-x86", "--json"])
    assert len(json.loads(capsys.readouterr().out)["findings"][0]["places"]) == 7


def test_the_command_line_passes_on(graph, tmp_path):
    def call(*arguments):
        command = [sys.executable, "-m", "calibration", "lint", *arguments]
        return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)

    assert call(str(graph), "--target", "tensorrt-8.6").returncode == 1
    nothing = call(str(tmp_path / "nothing.onnx"), "--target", "tensorrt-8.6")
    assert nothing.returncode == 1
    assert nothing.stderr.startswith("angioedge: ")
    assert len(nothing.stderr.splitlines()) == 1


def shipped(target, capsys) -> dict[str, int]:
    assert lint_command([str(SHIPPED), "--target", target, "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    return {finding["rule"]: len(finding["places"]) for finding in findings}


@pytest.mark.parametrize("target", ["tensorrt-10.13", "ort-x86", "ort-arm"])
def test_the_shipped_graph_is_clean(target, capsys):
    assert shipped(target, capsys) == {}


@pytest.mark.parametrize("target", ["tensorrt-8.6", "tensorrt-10.3"])
def test_the_shipped_graph_has_attention_that_a_dla_would_hand_back(target, capsys):
    assert shipped(target, capsys) == {"dla-fallback": 18}


def test_the_shipped_graph_is_not_typed_for_11(capsys):
    """124 convolutions and 2 matrix products are FLOAT, and would run so."""
    expected = {"single-precision-layer": 126, "dla-fallback": 18}
    assert shipped("tensorrt-11.4", capsys) == expected
