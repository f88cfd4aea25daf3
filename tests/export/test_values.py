"""Logits and probabilities are told apart, or the vendor is told."""

import networks
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import sdk
from export.bring_your_own import Description, import_network
from export.values import check_values, told_by


def ending(tmp_path, *ops):
    """A network that calls dark pixels vessels, and the operators that end it."""
    path = networks.darkness(tmp_path / "network.onnx")
    model = onnx.load(path)
    for number, op in enumerate(ops):
        source = model.graph.node[-1].output[0]
        more = ["sides"] if op == "Resize" else []
        inputs = [source, "", "", *more] if more else [source]
        model.graph.node.append(helper.make_node(op, inputs, [f"end{number}"]))
    if "Resize" in ops:
        sides = np.array([1, 1, 64, 64], np.int64)
        model.graph.initializer.append(numpy_helper.from_array(sides, "sides"))
    model.graph.output[0].name = model.graph.node[-1].output[0]
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("ops", "told"),
    [
        ((), "logits"),
        (("Sigmoid",), "sigmoid"),
        (("Sigmoid", "Resize", "Identity"), "sigmoid"),
        (("Sigmoid", "Neg"), "logits"),
        (("Softmax",), "softmax"),
    ],
)
def test_the_last_operation_tells_what_the_output_holds(tmp_path, ops, told):
    model = onnx.load(ending(tmp_path, *ops))
    assert told_by(model, model.graph.output[0].name) == told


@pytest.mark.parametrize("ops", [(), ("Sigmoid",)])
def test_nothing_need_be_said_for_the_right_mask(tmp_path, ops):
    folder = import_network(ending(tmp_path, *ops), tmp_path / "model", Description())
    pixels = np.where(np.indices((64, 64))[0] < 20, 50, 3000).astype(np.uint16)
    with sdk.Session(folder.path, task=sdk.Segmentation) as session:
        mask = session(sdk.Frame(pixels=pixels)).require().mask
    np.testing.assert_array_equal(mask, pixels < 100)
    assert folder.manifest.origin["remarks"] == []


@pytest.mark.parametrize(
    ("ops", "values", "message"),
    [
        (("Sigmoid",), "logits", "that of a sigmoid, .* --values sigmoid"),
        ((), "sigmoid", "from -10 to 10, which are no probabilities of a sigmoid.*--values logits"),
        ((), "softmax", "a softmax over one channel is 1 everywhere"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, ops, values, message):
    with pytest.raises(sdk.ModelFolderError, match=message):
        import_network(ending(tmp_path, *ops), tmp_path / "model", Description(values=values))
    assert not (tmp_path / "model").exists()


def test_logits_are_no_softmax_of_several_channels():
    with pytest.raises(sdk.ModelFolderError, match="from -4 to 4, which are no probabilities of a"):
        check_values("softmax", "logits", [np.linspace(-4, 4, 9)], 2)


def test_the_channel_is_told_where_nobody_named_one(tmp_path):
    nodes = [helper.make_node("Concat", ["image", "image"], ["map"], axis=1)]
    ends = [[networks.tensor("image", [1, 1, 16, 16])], [networks.tensor("map", [1, 2, 16, 16])]]
    path = networks.save(tmp_path / "network.onnx", nodes, *ends)
    told = {"low": -3.0, "high": 3.0}
    folder = import_network(path, tmp_path / "silent", Description(**told))
    assert folder.manifest.origin["remarks"][-1].startswith("channel 0 of 2 is read")
    folder = import_network(path, tmp_path / "named", Description(channel=0, **told))
    assert folder.manifest.origin["remarks"] == []


def test_what_is_odd_is_remarked_upon():
    rising = np.linspace(0, 1, 9)
    assert check_values("logits", "logits", [rising * 8 - 4], 1) == []
    assert check_values("sigmoid", "logits", [rising], 1) == []
    assert check_values("softmax", "softmax", [rising], 2) == []
    for said, told in (("sigmoid", "softmax"), ("softmax", "sigmoid")):
        (remark,) = check_values(said, told, [rising], 2)
        assert remark.startswith(f"the output is that of a {told} and said to be that of a {said}")
    (remark,) = check_values("logits", "logits", [rising], 1)
    assert "lies in 0..1" in remark
    (remark,) = check_values("logits", "logits", [np.full(9, 0.3)] * 2, 1)
    assert remark.startswith("the output is 0.3 everywhere")
