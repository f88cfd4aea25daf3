"""What ``angioedge calibrate`` cannot do it says in one sentence, and leaves the folder alone."""

import numpy as np
import onnx
import pytest
from calibrating import calibrate, content_of
from onnx import TensorProto, helper, numpy_helper

from calibration import candidate, pipeline, recovery
from sdk.model_folder import ModelFolder, write_folder


def test_an_interruption_leaves_the_folder_alone(model, runs, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    before = content_of(model)
    monkeypatch.setattr(pipeline, "compare", interrupt)
    assert calibrate(model, runs, "--force") == 130
    assert content_of(model) == before
    assert "interrupted" in capsys.readouterr().err


def test_an_empty_folder_is_said_in_one_sentence(model, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert calibrate(model, [str(tmp_path / "empty")]) == 1
    assert "holds no frames" in capsys.readouterr().err


def quantised(model):
    scale = helper.make_tensor("scale", TensorProto.FLOAT, [], [0.1])
    model.graph.initializer.append(scale)
    name = model.graph.output[0].name
    last = next(node for node in model.graph.node if name in node.output)
    last.output[0] = "before"
    pair = [("QuantizeLinear", "before", "integers"), ("DequantizeLinear", "integers", name)]
    model.graph.node.extend(helper.make_node(op, [a, "scale"], [b]) for op, a, b in pair)


def dynamic(model):
    for item in (*model.graph.input, *model.graph.output):
        item.type.tensor_type.shape.dim[2].dim_param = "rows"


def too_new(model):
    model.opset_import[0].version = 21


def not_a_number(model):
    """The last convolution gives NaN for whatever comes in."""
    item = model.graph.initializer[0]
    values = numpy_helper.to_array(item).copy()
    values[...] = np.nan
    item.CopyFrom(numpy_helper.from_array(values, item.name))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (quantised, "quantised already"),
        (dynamic, "dynamic shape"),
        (too_new, "has opset 21, expected"),
        (not_a_number, "is NaN or infinite on"),
    ],
)
def test_a_network_that_cannot_be_quantised_is_refused_in_one_sentence(
    model, runs, capsys, change, said
):
    folder = ModelFolder.open(model)
    network = onnx.load(model / "graph.fp32.onnx")
    change(network)
    files = {name: (model / name).read_bytes() for name in folder.manifest.files}
    files["graph.fp32.onnx"] = network.SerializeToString()
    write_folder(model, folder.manifest, files)
    before = content_of(model)
    assert calibrate(model, runs, "--force") == 1
    assert content_of(model) == before
    told = " ".join(capsys.readouterr().err.split("angioedge: ")[1].split())
    assert said in told


def test_frames_that_do_not_fit_are_refused_in_one_sentence(model, tmp_path, capsys):
    before = content_of(model)
    np.save(tmp_path / "bad.npy", np.zeros((4, 1, 2), np.uint16))
    assert calibrate(model, [str(tmp_path / "bad.npy")], "--force") == 1
    assert "3 of 3 frames do not fit the task segmentation" in capsys.readouterr().err
    assert content_of(model) == before


@pytest.mark.parametrize("where", ["collect", "hardest", "equalise", "rank"])
def test_an_interruption_at_any_step_leaves_the_folder_alone(model, runs, monkeypatch, where):
    def interrupt(*_):
        raise KeyboardInterrupt

    room = candidate if where == "collect" else recovery
    monkeypatch.setattr(room, where, interrupt)
    before = content_of(model)
    assert calibrate(model, runs, "--force", "--min-dice", "1") == 130
    assert content_of(model) == before
