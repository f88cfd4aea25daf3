"""What the builder asks of each generation of TensorRT, which here is a stand-in."""

from dataclasses import replace

import engine_folders
import networks
import pytest
import tensorrt_stand_in
from tensorrt_stand_in import Faults, described

from sdk.engines.builder import Order, build
from sdk.engines.driver import Device
from sdk.engines.generation import generation_of
from sdk.engines.library import Messages
from sdk.engines.options import BuildOptions
from sdk.engines.progress import unwatched
from sdk.engines.recipe import ladder_of
from sdk.engines.toolkit import Toolkit
from sdk.errors import EngineError

DEVICE = Device(name="Orin", sm="87", memory_mib=8192, integrated=True, cuda="12.6")
OPTIONS = BuildOptions(workspace_mib=512, optimization_level=2)
releases = pytest.mark.parametrize("version", tensorrt_stand_in.RELEASES)


def toolkit(version, faults=None):
    trt = tensorrt_stand_in.make(version, faults)
    return Toolkit(device=DEVICE, trt=trt, generation=generation_of(trt))


def recipe(tools, precision, graphs=("fp32", "fp16", "int8")):
    return next(r for r in ladder_of(graphs, tools.generation) if r.precision == precision)


def built(tools, folder, precision="fp32", watch=unwatched, **order):
    """Builds from a graph of the test's; gives what was built and what the stand-in saw."""
    wanted = recipe(tools, precision)
    content = order.pop("graph", None) or engine_folders.graph(folder, wanted.graph)
    asked = Order(graph=content, recipe=wanted, options=OPTIONS, **order)
    answer = build(tools, asked, Messages(), watch)
    return answer, described(answer.plan)


@releases
@pytest.mark.parametrize("precision", ["int8", "fp16", "fp32"])
def test_every_release_builds_every_precision(version, precision, tmp_path):
    answer, seen = built(toolkit(version), tmp_path, precision)
    assert seen["precision"] == precision
    assert [(tensor.name, tensor.is_input) for tensor in answer.tensors] == [
        ("image", True),
        ("map", False),
    ]
    assert answer.tensors[0].shape == (1, 1, 8, 8)


@releases
def test_limits_reach_the_builder(version, tmp_path):
    _, seen = built(toolkit(version), tmp_path)
    assert seen["pools"] == {"WORKSPACE": 512 << 20, "TACTIC_DRAM": 1024 << 20}
    assert seen["level"] == 2


def test_flags_never_meet_binding_types(tmp_path):
    tools = toolkit("10.3.0")
    typed = replace(recipe(tools, "int8"), strongly_typed=True)
    order = Order(graph=engine_folders.graph(tmp_path, "int8"), recipe=typed, options=OPTIONS)
    assert described(build(tools, order, Messages(), unwatched).plan)["flags"] == ["TF32"]


@releases
def test_an_fp32_engine_computes_in_single_precision(version, tmp_path):
    """TensorRT sets TF32 by itself."""
    _, seen = built(toolkit(version), tmp_path, "fp32")
    assert "TF32" not in seen["flags"]


def test_the_stand_in_refuses_pairs_without_their_flag(tmp_path):
    """Otherwise the tests above would prove little."""
    tools = toolkit("10.3.0")
    unflagged = replace(recipe(tools, "int8"), flags=("FP16",))
    order = Order(graph=engine_folders.graph(tmp_path, "int8"), recipe=unflagged, options=OPTIONS)
    with pytest.raises(EngineError, match="INT8 flag is not set"):
        build(tools, order, Messages(), unwatched)


@releases
def test_a_graph_that_is_none_is_refused_with_the_reason(version, tmp_path):
    with pytest.raises(EngineError, match="cannot be parsed: no ONNX"):
        built(toolkit(version), tmp_path, graph=b"\x0f nonsense")


@releases
def test_dynamic_shapes_are_refused(version, tmp_path):
    path = networks.darkness(tmp_path / "dynamic.onnx", ("rows", "columns"))
    with pytest.raises(EngineError, match=r"image has the dynamic shape \[1, 1, -1, -1\]"):
        built(toolkit(version), tmp_path, graph=path.read_bytes())


@releases
def test_what_cannot_be_built_says_why(version, tmp_path):
    tools = toolkit(version, Faults(refuse={"fp32": "could not find any implementation"}))
    with pytest.raises(EngineError, match="could not find any implementation"):
        built(tools, tmp_path)


@releases
def test_a_timing_cache_is_read_and_written(version, tmp_path):
    first, _ = built(toolkit(version), tmp_path)
    second, _ = built(toolkit(version), tmp_path, timing_cache=first.timing_cache)
    assert not first.began_anew
    assert not second.began_anew
    assert second.timing_cache.startswith(first.timing_cache)


def test_a_timing_cache_of_another_release_is_passed_over(tmp_path):
    foreign, _ = built(toolkit("8.6.1"), tmp_path)
    answer, _ = built(toolkit("10.3.0"), tmp_path, timing_cache=foreign.timing_cache)
    assert answer.began_anew
    assert b"8.6.1" not in answer.timing_cache


@releases
def test_progress_is_told_where_it_is_reported(version, tmp_path):
    tools, seen = toolkit(version), []
    built(tools, tmp_path, watch=seen.append)
    assert bool(seen) == tools.generation.progress
    if seen:
        assert (seen[0].phase, seen[0].steps, seen[0].done) == ("Building Engine", 2, 0)
        assert (seen[-1].done, seen[-1].finished) == (2, True)


def test_nobody_listening_gives_a_build_up(tmp_path):
    def gone(progress):
        raise BrokenPipeError

    with pytest.raises(EngineError, match="cancelled"):
        built(toolkit("10.3.0"), tmp_path, watch=gone)
