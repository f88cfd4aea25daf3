"""What is written has the form each target wants, and both forms compute the same."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper
from small_nets import bounded, branched, chain, images, run

from calibration.collect import CollectOptions, collect
from calibration.placement import place
from calibration.qdq import Form, dequantised_name, grid_of, write
from calibration.quantisable import read_quantisable
from calibration.ranges import Range, limits_of, share_limits


def prepared(path, method="minmax"):
    graph = read_quantisable(path)
    placement = place(graph)
    histograms = collect(graph, placement.cpu.pairs, images(4), CollectOptions())
    return (
        graph,
        placement,
        share_limits(limits_of(histograms, method), histograms, placement.groups),
    )


@pytest.fixture(scope="module")
def branchy(tmp_path_factory):
    return prepared(branched(tmp_path_factory.mktemp("net") / "net.onnx"))


def parts(content):
    model = onnx.load_from_string(content)
    constants = {item.name: item for item in model.graph.initializer}
    return model.graph.node, constants


def test_tensorrt_form_is_signed_with_zero_point_zero(branchy):
    nodes, constants = parts(write(*branchy, Form.TENSORRT))
    pairs = [node for node in nodes if node.op_type in {"QuantizeLinear", "DequantizeLinear"}]
    assert pairs
    for node in pairs:
        assert constants[node.input[2]].data_type == TensorProto.INT8
        assert not numpy_helper.to_array(constants[node.input[2]]).any()
        scale = numpy_helper.to_array(constants[node.input[1]])
        assert (scale > 0).all()
        assert np.isfinite(scale).all()


def test_cpu_form_is_unsigned_with_zero_point_128_or_0(branchy):
    nodes, constants = parts(write(*branchy, Form.CPU))
    zero_points = {
        node.input[0]: numpy_helper.to_array(constants[node.input[2]])
        for node in nodes
        if node.op_type == "QuantizeLinear"
    }
    assert {item.dtype for item in zero_points.values()} == {np.dtype(np.uint8)}
    assert zero_points["signed"] == 128
    assert zero_points["relu1"] == 0


@pytest.mark.parametrize("form", Form)
def test_weights_are_signed_per_channel_and_biases_float(branchy, form):
    nodes, constants = parts(write(*branchy, form))
    made = {name: node for node in nodes for name in node.output}
    weighted = [n for n in nodes if n.op_type == "Conv" and n.input[1] not in constants]
    assert {node.name for node in weighted} == {"signed", "inner", "outer", "fused"}
    for node in weighted:
        dequantise = made[node.input[1]]
        integers, scales = (numpy_helper.to_array(constants[n]) for n in dequantise.input[:2])
        assert integers.dtype == np.int8
        assert scales.shape == (integers.shape[0],)
        assert dequantise.attribute[0].i == 0
        assert constants[node.input[2]].data_type == TensorProto.FLOAT


def test_float_weights_are_not_left_behind(branchy):
    _, constants = parts(write(*branchy, Form.TENSORRT))
    assert not [
        n
        for n, c in constants.items()
        if c.data_type == TensorProto.FLOAT
        and len(c.dims) == 4
        and list(c.dims)[1] == 16
        and c.dims[0] == 16
    ]


def test_the_same_input_gives_the_same_bytes(branchy, tmp_path):
    again = prepared(branched(tmp_path / "net.onnx"))
    for form in (Form.TENSORRT, Form.CPU):
        assert write(*branchy, form) == write(*again, form)


def test_signed_graph_is_the_arithmetic_it_says(tmp_path):
    path = chain(tmp_path / "net.onnx")
    graph, placement, table = prepared(path)
    feed = images(1, seed=9)
    seen = run(path.read_bytes(), feed, 0, ["relu1"])["relu1"]
    scale = grid_of(table["relu1"], Form.TENSORRT).scale
    assert 0 <= scale * 127 / table["relu1"].limit - 1 < 2.0**-10
    rounded = np.clip(np.rint(seen / scale), -128, 127) * scale
    content = write(graph, placement, table, Form.TENSORRT)
    name = dequantised_name("relu1")
    assert np.allclose(run(content, feed, 0, [name])[name], rounded, atol=float(scale) * 1e-3)


def test_quantised_outputs_stay_near_the_float_ones(branchy, tmp_path):
    path, feed = branched(tmp_path / "net.onnx"), images(2, seed=5)
    exact = run(path.read_bytes(), feed, 0, ["logits"])["logits"]
    for form in (Form.TENSORRT, Form.CPU):
        got = run(write(*branchy, form), feed, 0, ["logits"])["logits"]
        assert 0 < np.abs(got - exact).max() < 0.06 * np.ptp(exact)


def steps_apart(tmp_path, build, method):
    """Tensor -> differences of its two dequantised forms, in signed steps, over four images."""
    graph, placement, table = prepared(build(tmp_path / "net.onnx"), method)
    names = [dequantised_name(name) for name in placement.tensorrt.pairs]
    feed = images(4)
    signed, unsigned = (write(graph, placement, table, form) for form in (Form.TENSORRT, Form.CPU))
    found = {tensor: [] for tensor in placement.tensorrt.pairs}
    for index in range(len(feed)):
        a, b = (run(content, feed, index, names) for content in (signed, unsigned))
        for tensor, name in zip(found, names, strict=True):
            found[tensor].append(np.abs(a[name] - b[name]) / (table[tensor].limit / 127))
    return {tensor: np.stack(them) for tensor, them in found.items()}


@pytest.mark.parametrize("build", [chain, branched])
def test_both_forms_agree_to_one_step_per_tensor(tmp_path, build):
    for tensor, steps in steps_apart(tmp_path, build, "minmax").items():
        assert steps.max() <= 1.001, tensor


@pytest.mark.parametrize("method", ["percentile", "mse", "entropy"])
def test_where_values_are_clipped_both_forms_agree_to_one_step_in_the_mean(tmp_path, method):
    for tensor, steps in steps_apart(tmp_path, branched, method).items():
        assert np.sqrt(np.mean(steps**2)) <= 1, tensor


@pytest.mark.parametrize("low", [-2.0, -0.3, 0.0])
@pytest.mark.parametrize("limit", [1.0, 2.0])
def test_grids_agree_to_one_step_for_any_value(low, limit):
    found = Range(limit=limit, low=low, high=2.0, method="mse", clipped=0.1)
    values = np.linspace(low, 2.0, 10_001, dtype=np.float32)
    restored = []
    for form in (Form.TENSORRT, Form.CPU):
        grid = grid_of(found, form)
        kind = np.iinfo(grid.zero_point.dtype)
        levels = np.clip(np.rint(values / grid.scale) + grid.zero_point, kind.min, kind.max)
        restored.append((levels - float(grid.zero_point)) * grid.scale)
    assert np.abs(restored[0] - restored[1]).max() <= limit / 127


@pytest.mark.parametrize(
    ("low", "finer"), [(-1.0, False), (-0.5, False), (-0.2, True)], ids=["even", "half", "SiLU"]
)
def test_a_range_mostly_above_zero_has_finer_steps_on_x86(low, finer):
    found = Range(limit=1.0, low=low, high=1.0, method="minmax", clipped=0.0)
    grid = grid_of(found, Form.CPU)
    assert bool(grid.zero_point != 128) is finer
    assert bool(grid.scale < 0.76 * grid_of(found, Form.TENSORRT).scale) is finer
    ends = (np.array([0.0, 255.0]) - float(grid.zero_point)) * float(grid.scale)
    assert ends[0] <= low * (1.2 if finer else 1)
    assert ends[1] > 1.0 - 0.6 * grid.scale


@pytest.mark.parametrize(("low", "high"), [(-0.2, 1.0), (0.0, 1.0), (0.0, 4.0)])
def test_the_exact_form_has_the_values_of_the_signed_one(low, high):
    found = Range(limit=1.0, low=low, high=high, method="minmax", clipped=0.0)
    signed, exact = grid_of(found, Form.TENSORRT), grid_of(found, Form.EXACT, has_ceiling=True)
    assert exact.scale == signed.scale
    assert exact.zero_point == np.uint8(128)


def operators(content):
    return [node.op_type for node in onnx.load_from_string(content).graph.node]


@pytest.mark.parametrize("end", [0.5, 100.0], ids=["reached", "never reached"])
def test_the_end_of_the_grid_stands_for_a_ceiling_on_x86(tmp_path, end):
    made = prepared(bounded(tmp_path / "net.onnx", end=end))
    plain = write(*made, Form.TENSORRT)
    assert operators(plain).count("Clip") == 4
    assert set(made[1].cpu.pairs) >= {"clip_first", "clip_wide", "clip_depth", "clip_last"}
    content, feed = write(*made, Form.CPU), images(2, seed=5)
    assert "Clip" not in operators(content)
    ceilings = onnx.load_from_string(content)
    for node in ceilings.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Clip"
            node.input.extend(["zero", "ceiling"])
    for name, value in (("zero", 0.0), ("ceiling", end)):
        tensor = numpy_helper.from_array(np.float32(value), name)
        ceilings.graph.initializer.append(tensor)
    clipped = ceilings.SerializeToString()
    for index in range(2):
        got, expected = (run(c, feed, index, ["logits"])["logits"] for c in (content, clipped))
        np.testing.assert_allclose(got, expected, atol=1e-5 * np.ptp(expected))


def optimised(content, tmp_path):
    """The operators by the names of what they give, after ONNX Runtime fused what it can."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    model = onnx.load(options.optimized_model_filepath)
    constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    short = {n.name.split("_token")[0].removesuffix("_nchwc"): n for n in model.graph.node}
    return short, constants


def test_depthwise_between_pairs_has_a_scale_per_channel_on_x86(tmp_path):
    graph, placement, table = prepared(bounded(tmp_path / "net.onnx"))
    depth = next(node.index for node in graph.nodes if node.name == "depth")
    assert depth not in placement.weights
    assert dict(placement.cpu.weights) == {depth: 0}
    nodes, constants = optimised(write(graph, placement, table, Form.CPU), tmp_path)
    assert nodes["depth"].op_type == "QLinearConv"
    assert constants[nodes["depth"].input[4]].shape == (32,)


def test_what_is_kept_in_float_between_pairs_is_float_on_x86(tmp_path):
    graph = read_quantisable(bounded(tmp_path / "net.onnx"))
    placement = place(graph, keep_float=["depth"])
    histograms = collect(graph, placement.cpu.pairs, images(4), CollectOptions())
    table = share_limits(limits_of(histograms, "minmax"), histograms, placement.groups)
    content, feed = write(graph, placement, table, Form.CPU), images(1, seed=5)
    nodes, _ = optimised(content, tmp_path)
    assert nodes["depth"].op_type in {"Conv", "FusedConv"}
    model = onnx.load_from_string(content)
    read = next(node.input[0] for node in model.graph.node if node.name == "depth")
    seen = run(content, feed, 0, [read, dequantised_name("clip_wide")])
    np.testing.assert_array_equal(*seen.values())


def test_a_ceiling_that_floats_are_read_behind_stays(tmp_path):
    path = bounded(tmp_path / "net.onnx", end=0.5)
    graph = read_quantisable(path)
    placement = place(graph, keep_float=["wide", "depth", "last"])
    histograms = collect(graph, placement.cpu.pairs, images(4), CollectOptions())
    table = share_limits(limits_of(histograms, "minmax"), histograms, placement.groups)
    nodes = onnx.load_from_string(write(graph, placement, table, Form.CPU)).graph.node
    assert {n.output[0] for n in nodes if n.op_type == "Clip"} == {
        "clip_wide",
        "clip_last",
        "clip_first",
    }
