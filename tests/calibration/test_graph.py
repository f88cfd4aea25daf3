"""The read-only view of a graph."""

import numpy as np
import onnx
import pytest
from onnx import helper
from sketches import Sketch

from calibration.graph import names_read
from calibration.lint import TARGETS, Graph, GraphError, lint, read_graph


def test_knows_who_makes_and_who_reads_a_tensor():
    sketch = Sketch()
    image = sketch.input()
    relu = sketch.node("Relu", image)
    sketch.node("Add", relu, relu)
    graph = Graph(sketch.model())
    assert graph.producer(relu).name == "Relu_0"
    assert graph.producer(image) is None
    assert [reader.name for reader in graph.consumers(graph.producer(relu))] == ["Add_1"]


@pytest.mark.parametrize("several", [False, True])
def test_knows_what_the_graphs_inside_a_node_read(several):
    inner = helper.make_graph(
        [helper.make_node("Add", ["outer", "weight"], ["sum"])],
        "inner",
        [],
        [helper.make_tensor_value_info("sum", onnx.TensorProto.FLOAT, [1])],
    )
    inside = {"branches": [inner]} if several else {"branch": inner}
    node = helper.make_node("Either", ["flag"], ["out"], domain="other", **inside)
    assert names_read(node) == {"flag", "outer", "weight", "sum"}


def test_infers_shapes_through_the_graph():
    sketch = Sketch()
    relu = sketch.node("Relu", sketch.conv(sketch.input((1, 32, "rows", 8)), (16, 32, 3, 3)))
    shape = Graph(sketch.model()).shape(relu)
    assert shape[:2] == (1, 16)
    assert shape[2] is None
    assert shape[3] == 6


def test_shapes_that_are_computed_from_weights_are_known():
    sketch = Sketch()
    target = sketch.node("Add", sketch.weight([0, 31], np.int64), sketch.weight([1, 1], np.int64))
    reshaped = sketch.node("Reshape", sketch.input((1, 32)), target)
    assert Graph(sketch.model()).shape(reshaped) == (1, 32)


def test_a_nameless_node_is_named_after_its_output():
    sketch = Sketch()
    sketch.node("Relu", sketch.input())
    sketch.nodes[0].name = ""
    assert Graph(sketch.model()).nodes[0].name == "Relu of Relu_0_0"


def test_functions_are_laid_flat():
    sketch = Sketch()
    sketch.node("Twice", sketch.input((1, 4)), domain="vendor")
    model = sketch.model()
    body = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Relu", ["y"], ["z"])]
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("vendor", "Twice", ["x"], ["z"], body, opset))
    assert [node.op for node in Graph(model).nodes] == ["Relu", "Relu"]


def test_what_is_computed_is_no_constant():
    sketch = Sketch()
    same = sketch.node("Identity", sketch.weight([3.0]))
    other = sketch.node("Neg", same)
    graph = Graph(sketch.model())
    assert graph.constant(same) == [3.0]
    assert graph.constant(other) is None
    assert graph.is_constant(same)
    assert not graph.is_constant(other)


@pytest.mark.parametrize(
    "attribute", [{"value_float": 2.0}, {"value_ints": [2]}, {"value_floats": [2.0]}]
)
def test_every_spelling_of_a_constant_is_read(attribute):
    sketch = Sketch()
    constant = sketch.node("Constant", **attribute)
    assert Graph(sketch.model()).constant(constant) == 2


def external(path) -> Sketch:
    sketch = Sketch()
    sketch.node("MatMul", sketch.input((1, 64)), sketch.weight(np.full((64, 64), 1e6)))
    onnx.save(sketch.model(), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return sketch


def test_weights_in_other_files_are_read_when_a_rule_asks(tmp_path):
    external(tmp_path / "graph.onnx")
    findings = lint(read_graph(tmp_path / "graph.onnx"), TARGETS["tensorrt-8.6"])
    assert "constant-beyond-half" in {finding.rule.name for finding in findings}


def test_missing_weights_are_missed(tmp_path):
    external(tmp_path / "graph.onnx")
    (tmp_path / "w.bin").unlink()
    with pytest.raises(GraphError, match=r"w\.bin"):
        read_graph(tmp_path / "graph.onnx")


def test_long_weights_are_not_copied_for_their_shapes(monkeypatch):
    sizes = []
    inferred = onnx.shape_inference.infer_shapes
    sketch = Sketch()
    sketch.node("MatMul", sketch.input((1, 512)), sketch.weight(np.ones((512, 512))))
    model = sketch.model()

    def watched(skeleton, **options):
        sizes.append(skeleton.ByteSize())
        return inferred(skeleton, **options)

    monkeypatch.setattr(onnx.shape_inference, "infer_shapes", watched)
    assert Graph(model).shape("MatMul_0_0") == (1, 512)
    assert sizes[0] < 4096 < model.ByteSize()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a valid"), (b"\x00nonsense", "not a valid"), (None, "cannot")],
)
def test_an_unreadable_file_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "graph.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GraphError, match=message) as refusal:
        read_graph(path)
    assert "graph.onnx" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_graph_of_unknown_operators_is_invalid(tmp_path):
    sketch = Sketch()
    sketch.node("Relu", sketch.input())
    model = sketch.model()
    model.graph.node[0].op_type = "Unheard"
    onnx.save(model, tmp_path / "graph.onnx")
    with pytest.raises(GraphError, match="Unheard"):
        read_graph(tmp_path / "graph.onnx")


def test_a_graph_without_an_opset_is_refused():
    sketch = Sketch()
    sketch.node("Relu", sketch.input((1, 8)))
    model = sketch.model()
    del model.opset_import[:]
    with pytest.raises(GraphError, match="no shapes can be inferred"):
        Graph(model)
