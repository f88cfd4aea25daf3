"""Which graph is built how, for each generation of TensorRT."""

import pytest
import tensorrt_stand_in

from sdk.engines.choice import Step
from sdk.engines.generation import generation_of
from sdk.engines.recipe import Recipe, ladder_of


def rungs(version, *graphs):
    generation = generation_of(tensorrt_stand_in.make(version))
    return {rung.precision: rung for rung in ladder_of(graphs, generation)}


@pytest.mark.parametrize("version", tensorrt_stand_in.RELEASES)
def test_the_ladder_goes_down(version):
    assert list(rungs(version, "fp32")) == ["int8", "int8.fewer", "fp16", "fp32"]


@pytest.mark.parametrize("version", ["8.6.1", "10.3.0", "10.16.1.11"])
def test_quantised_graphs_take_flags_where_flags_exist(version):
    rung = rungs(version, "fp32", "int8")["int8"]
    assert rung == Recipe(
        precision="int8", graph="int8", strongly_typed=False, flags=("FP16", "INT8")
    )


def test_quantised_graphs_are_strongly_typed_where_nothing_else_is():
    rung = rungs("11.4.0.106", "fp32", "int8")["int8"]
    assert (rung.strongly_typed, rung.flags) == (True, ())


@pytest.mark.parametrize(
    ("version", "graph"), [("10.16.1.11", "int8"), ("11.4.0.106", "int8.fp16")]
)
def test_a_typed_quantised_graph_is_taken_where_flags_are_gone(version, graph):
    assert rungs(version, "fp32", "int8", "int8.fp16")["int8"].graph == graph


@pytest.mark.parametrize(("version", "typed"), [("8.6.1", False), ("10.3.0", True)])
def test_a_typed_graph_is_taken_where_types_can_bind(version, typed):
    rung = rungs(version, "fp32", "fp16")["fp16"]
    assert (rung.graph, rung.strongly_typed) == (("fp16", True) if typed else ("fp32", False))
    assert rung.flags == (() if typed else ("FP16",))


def test_without_a_typed_graph_the_newest_has_no_fp16():
    rung = rungs("11.4.0.106", "fp32")["fp16"]
    assert isinstance(rung, Step)
    assert "no fp16 graph" in rung.reason


def test_absent_graphs_are_steps_with_a_reason():
    rung = rungs("10.3.0", "fp32", "int8")["int8.fewer"]
    assert rung == Step(precision="int8.fewer", reason="the model folder has no int8.fewer graph")
