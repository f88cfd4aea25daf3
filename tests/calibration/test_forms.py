"""The typed forms take the steps of the graph they come from, in types that a build keeps."""

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from small_nets import branched, images

from calibration.collect import collect, largest_magnitudes
from calibration.forms import typed_forms
from calibration.lint import TARGETS, Graph, lint
from calibration.lint.rule import Severity
from calibration.placement import place
from calibration.qdq import Form, write
from calibration.quantisable import read_quantisable
from calibration.ranges import limits_of, share_limits
from sdk.backends.onnxruntime import OnnxRuntimeBackend

HALF = TensorProto.FLOAT16


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The FP32 graph, its INT8 form, the typed forms and what is said of them."""
    graph = read_quantisable(branched(tmp_path_factory.mktemp("net") / "net.onnx"))
    placement, feed = place(graph), images(2)
    histograms = collect(graph, placement.cpu.pairs, feed)
    ranges = share_limits(limits_of(histograms, "minmax"), histograms, placement.groups)
    int8 = write(graph, placement, ranges, Form.TENSORRT)
    return graph, int8, typed_forms(graph, {"int8": int8}, largest_magnitudes(graph, feed))


def answer(content, path):
    path.write_bytes(content)
    backend = OnnxRuntimeBackend(path, threads=1, fuse_pairs=False)
    images(1).fill(0, backend.inputs)
    backend.run()
    return backend.outputs["logits"].copy()


def test_pairs_are_typed_in_opset_19_and_keep_their_integers(made):
    _, int8, (graphs, said) = made
    assert said == {"kept_in_fp32": {"fp16": [], "int8.fp16": []}, "forms_left_out": {}}
    before, after = (onnx.load_from_string(content) for content in (int8, graphs["int8.fp16"]))
    assert (before.opset_import[0].version, after.opset_import[0].version) == (17, 19)
    old, new = (
        {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
        for model in (before, after)
    )
    pairs = [n for n in after.graph.node if n.op_type in {"QuantizeLinear", "DequantizeLinear"}]
    assert len(pairs) == sum(
        n.op_type in {"QuantizeLinear", "DequantizeLinear"} for n in before.graph.node
    )
    for node in pairs:
        scale = node.input[1]
        assert new[scale].dtype == np.float16
        np.testing.assert_array_equal(new[scale], old[scale.removesuffix("/half")])
    for name, values in old.items():
        if values.dtype == np.int8:
            np.testing.assert_array_equal(new[name], values)


def test_both_types_answer_alike(made, tmp_path):
    _, int8, (graphs, _) = made
    single, half = (answer(content, tmp_path / "g.onnx") for content in (int8, graphs["int8.fp16"]))
    assert np.sqrt(np.mean((half - single) ** 2)) < 0.05 * np.std(single)


@pytest.mark.parametrize("precision", ["fp16", "int8.fp16"])
@pytest.mark.parametrize("target", ["tensorrt-10.13", "tensorrt-11.4"])
def test_strongly_typed_targets_find_no_error(made, precision, target):
    _, _, (graphs, _) = made
    findings = lint(Graph(onnx.load_from_string(graphs[precision])), TARGETS[target])
    assert not [f for f in findings if f.rule.severity is Severity.ERROR]


def test_magnitudes_are_those_of_every_activation(made):
    graph, _, _ = made
    found = largest_magnitudes(graph, images(2))
    assert set(found) == set(graph.shapes) & set(graph.order())
    assert found["image"] == max(np.abs(image).max() for image in images(2).images)


def test_a_form_that_cannot_be_made_is_left_out_with_its_reason(made):
    graph, int8, _ = made
    model = onnx.load_from_string(int8)
    model.graph.node.append(helper.make_node("Sparkle", ["logits"], ["star"], domain="vendor"))
    model.opset_import.append(helper.make_opsetid("vendor", 1))
    model.graph.output.append(networks.tensor("star", [1, 1, 32, 32]))
    graphs, said = typed_forms(graph, {"int8": model.SerializeToString()}, {})
    assert set(graphs) == {"fp16"}
    assert said["forms_left_out"]["int8.fp16"]
