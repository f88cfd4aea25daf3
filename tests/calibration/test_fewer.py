"""A second INT8 graph has the more sensitive half of its operations in float."""

import json

import onnx
import pytest
import tensorrt_stand_in
from calibrating import calibrate
from candidates import prepared
from small_nets import branched, chain

from calibration.fewer import with_fewer
from calibration.placement import SENSITIVE
from calibration.sensitivity import rank
from sdk.engines.generation import generation_of
from sdk.engines.recipe import Recipe, ladder_of
from sdk.model_folder import ModelFolder


def test_the_more_sensitive_half_goes_to_float(tmp_path):
    candidate, source = prepared(branched(tmp_path / "net.onnx"))
    order = [i for i in rank(candidate, source) if i in candidate.placement.weights]
    fewer = with_fewer(candidate, source)
    assert set(fewer.placement.weights) == set(order[(len(order) + 1) // 2 :])
    assert set(fewer.ranges) < set(candidate.ranges)
    reasons = {item.node: item.reason for item in fewer.placement.decisions}
    assert reasons[candidate.graph.nodes[order[0]].name] == SENSITIVE


def test_what_is_in_float_already_stays_there(tmp_path):
    candidate, source = prepared(branched(tmp_path / "net.onnx"))
    first = min(candidate.placement.weights)
    fewer = with_fewer(candidate.with_float((), [first]), source)
    assert first not in fewer.placement.weights


def test_one_operation_cannot_be_halved(tmp_path):
    candidate, source = prepared(chain(tmp_path / "net.onnx"))
    assert with_fewer(candidate, source) is None


def test_it_is_written_where_it_is_asked_for_and_judged_as_the_others(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9", "--fewer") == 0
    folder = ModelFolder.open(model)
    counts = [
        sum(node.op_type == "QuantizeLinear" for node in onnx.load(folder.graph(p)).graph.node)
        for p in ("int8", "int8.fewer")
    ]
    assert 0 < counts[1] < counts[0]
    report = json.loads((model / "calibration_report.json").read_text())
    assert report["agreement"]["int8.fewer against fp32"]["dice_mean"] > 0.9
    assert "int8.fewer" in folder.manifest.golden.tolerances


GRAPH_OF = {"8.6.1": "int8.fewer", "11.4.0.106": "int8.fewer.fp16"}


@pytest.mark.parametrize(("version", "graph"), GRAPH_OF.items())
def test_the_ladder_finds_it(model, runs, version, graph):
    assert calibrate(model, runs, "--force", "--fewer", "--recover") == 0
    graphs = ModelFolder.open(model).manifest.graphs
    rungs = ladder_of(graphs, generation_of(tensorrt_stand_in.make(version)))
    rung = next(rung for rung in rungs if rung.precision == "int8.fewer")
    assert isinstance(rung, Recipe)
    assert rung.graph == graph


def test_it_is_not_written_unasked(model, runs):
    assert calibrate(model, runs, "--min-dice", "0.9") == 0
    assert "int8.fewer" not in ModelFolder.open(model).manifest.graphs
