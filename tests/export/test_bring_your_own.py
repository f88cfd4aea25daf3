"""A vendor's network becomes a model folder, or the vendor learns why not."""

from dataclasses import replace

import networks
import numpy as np
import onnx
import pytest
from folders import dark_square
from onnx import TensorProto, helper, numpy_helper

import sdk
from export.bring_your_own import Description, import_network
from export.prepare import prepare
from sdk.model_folder import write_folder


def imported(network, tmp_path, **description):
    return import_network(network, tmp_path / "model", Description(**description))


@pytest.fixture
def network(tmp_path):
    return networks.darkness(tmp_path / "network.onnx")


@pytest.mark.parametrize("channels", [1, 3])
def test_the_folder_answers(tmp_path, channels):
    network = networks.darkness(tmp_path / "network.onnx", channels=channels)
    folder = imported(network, tmp_path)
    with sdk.Session(folder.path, task=sdk.Segmentation) as session:
        answer = session(sdk.Frame(pixels=dark_square())).require()
    np.testing.assert_array_equal(answer.mask, dark_square() < 100)


def test_open_sizes_are_fixed(tmp_path):
    network = networks.darkness(tmp_path / "network.onnx", ("rows", "columns"), batch="batch")
    folder = imported(network, tmp_path, size=(96, 64))
    assert folder.manifest.options["input_shape"] == [1, 1, 96, 64]
    with sdk.Session(folder.path) as session:
        assert session(sdk.Frame(pixels=dark_square())).status is sdk.Status.DELIVERED


def test_golden_vectors_are_written_and_checked(network, tmp_path):
    folder = imported(network, tmp_path)
    assert len(folder.golden()) == 2
    assert folder.manifest.origin["imported_from"] == "network.onnx"


@pytest.mark.parametrize(("layout", "shape"), [("NCHW", [1, 3, 64, 96]), ("NHWC", [1, 64, 96, 3])])
def test_golden_vectors_are_images_on_which_the_output_varies(tmp_path, layout, shape):
    side = 8  # means over squares: nothing is left of noise
    smooth = [1, 1, 57, 89]
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["grey"], axes=[shape.index(3)], keepdims=0),
        helper.make_node("Unsqueeze", ["grey", "one"], ["plane"]),
        helper.make_node("AveragePool", ["plane"], ["logits"], kernel_shape=[side, side]),
    ]
    if layout == "NHWC":
        nodes[-1].output[0] = "pooled"
        nodes.append(helper.make_node("Transpose", ["pooled"], ["logits"], perm=[0, 2, 3, 1]))
        smooth = [1, 57, 89, 1]
    weights = [helper.make_tensor("one", TensorProto.INT64, [1], [1])]
    shapes = [networks.tensor("image", shape)], [networks.tensor("logits", smooth)]
    network = networks.save(tmp_path / "network.onnx", nodes, *shapes, weights)
    golden = imported(network, tmp_path, layout=layout).golden()
    assert len(golden) == 2
    for inputs, outputs in golden:
        assert list(inputs["image"].shape) == shape
        assert np.ptp(outputs["logits"]) > 0.7


def test_open_sizes_without_a_size_are_refused(tmp_path):
    network = networks.darkness(tmp_path / "network.onnx", ("rows", "columns"))
    with pytest.raises(sdk.ModelFolderError, match="give --size"):
        imported(network, tmp_path)


def test_a_fixed_size_cannot_become_another(network, tmp_path):
    with pytest.raises(sdk.ModelFolderError, match="cannot become 32"):
        imported(network, tmp_path, size=(32, 32))


def test_a_file_that_is_no_network_is_explained(tmp_path):
    path = tmp_path / "network.onnx"
    path.write_bytes(b"\x08\x07 this is not a network")
    with pytest.raises(sdk.ModelFolderError, match="not a valid ONNX network"):
        imported(path, tmp_path)


def test_an_invalid_network_is_explained_by_the_checker(network, tmp_path):
    model = onnx.load(network)
    model.graph.node[0].input[0] = "nowhere"
    onnx.save(model, network)
    with pytest.raises(sdk.ModelFolderError, match="nowhere"):
        imported(network, tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(sdk.ModelFolderError, match="there is no file"):
        imported(tmp_path / "nothing.onnx", tmp_path)


def give_boxes(model):
    shape = numpy_helper.from_array(np.array([1, 4, 1024], np.int64), "of_boxes")
    model.graph.initializer.append(shape)
    model.graph.node.append(helper.make_node("Reshape", ["logits", "of_boxes"], ["boxes"]))
    model.graph.output.pop()
    model.graph.output.append(networks.tensor("boxes", [1, 4, 1024]))


def add_input(model):
    model.graph.input.append(networks.tensor("age", [1, 1, 64, 64]))
    model.graph.node.append(helper.make_node("Add", ["logits", "age"], ["sum"]))
    model.graph.output.append(networks.tensor("sum", [1, 1, 64, 64]))


def add_output(model):
    model.graph.node.append(helper.make_node("Neg", ["logits"], ["negative"]))
    model.graph.output.append(networks.tensor("negative", [1, 1, 64, 64]))


def make_integer(model):
    model.graph.node.append(helper.make_node("Cast", ["logits"], ["whole"], to=TensorProto.INT32))
    model.graph.output.pop()
    model.graph.output.append(networks.tensor("whole", [1, 1, 64, 64], TensorProto.INT32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (add_input, r"takes 2 inputs \(image, age\)"),
        (add_output, "gives logits, negative; name the vessel map with --output"),
        (make_integer, "holds INT32"),
        (give_boxes, "boxes has 3 axes, .* no segmentation"),
    ],
)
def test_a_network_of_another_kind_is_refused(network, tmp_path, change, message):
    model = onnx.load(network)
    change(model)
    onnx.save(model, network)
    with pytest.raises(sdk.ModelFolderError, match=message):
        imported(network, tmp_path)


def test_one_of_several_outputs_is_chosen_by_name(network, tmp_path):
    model = onnx.load(network)
    add_output(model)
    onnx.save(model, network)
    folder = imported(network, tmp_path, output="negative")
    with sdk.Session(folder.path) as session:
        answer = session(sdk.Frame(pixels=dark_square())).require()
    np.testing.assert_array_equal(answer.mask, dark_square() > 100)
    graph = onnx.load(folder.graph("fp32")).graph
    assert [output.name for output in graph.output] == ["negative"]
    assert folder.manifest.origin["prepared"]["outputs_left_out"] == 1


def test_a_network_can_be_taken_as_it_is(network, tmp_path):
    model = onnx.load(network)
    add_output(model)
    onnx.save(model, network)
    folder = imported(network, tmp_path, output="negative", prepared=False)
    graph = onnx.load(folder.graph("fp32")).graph
    assert [output.name for output in graph.output] == ["logits", "negative"]
    assert folder.manifest.origin["prepared"] == {}


def test_a_preparation_that_changes_answers_is_refused(network, tmp_path, monkeypatch):
    def spoilt(model, outputs):
        changed, said = prepare(model, outputs)
        steep = next(item for item in changed.graph.initializer if item.name == "steep")
        steep.CopyFrom(helper.make_tensor("steep", TensorProto.FLOAT, [], [20.1]))
        return changed, said

    monkeypatch.setattr("export.bring_your_own.prepare", spoilt)
    with pytest.raises(sdk.ModelFolderError, match=r"answers differently, by .* --as-it-is"):
        imported(network, tmp_path)
    assert not (tmp_path / "model").exists()


def test_minus_one_is_an_open_size(tmp_path):
    network = networks.darkness(tmp_path / "network.onnx", (-1, -1), batch=-1)
    folder = imported(network, tmp_path, size=(96, 64))
    assert folder.manifest.options["input_shape"] == [1, 1, 96, 64]


def test_a_network_of_volumes_is_told_apart(tmp_path):
    nodes = [helper.make_node("Neg", ["image"], ["logits"])]
    shape = [1, 1, 8, 8, 8]
    shapes = [networks.tensor("image", shape)], [networks.tensor("logits", shape)]
    network = networks.save(tmp_path / "network.onnx", nodes, *shapes)
    with pytest.raises(sdk.ModelFolderError, match=r"has 5 axes, expected 4.* not of volumes"):
        imported(network, tmp_path)


def test_a_network_that_gives_nan_is_refused(tmp_path):
    nodes = [helper.make_node("Log", ["image"], ["logits"])]
    shapes = [networks.tensor("image", [1, 1, 8, 8])], [networks.tensor("logits", [1, 1, 8, 8])]
    network = networks.save(tmp_path / "network.onnx", nodes, *shapes)
    with pytest.raises(sdk.ModelFolderError, match="NaN or infinity"):
        imported(network, tmp_path, low=-1.0, high=0.0)


@pytest.mark.parametrize("by", ["attribute", "input"])
def test_a_network_in_training_mode_is_refused(network, tmp_path, by):
    model = onnx.load(network)
    if by == "attribute":
        names = ["scale", "shift", "mean", "spread"]
        nodes = [helper.make_node("BatchNormalization", ["logits", *names], ["n", "m", "s"],
                                  training_mode=1)]  # fmt: skip
        weights = [helper.make_tensor(name, TensorProto.FLOAT, [1], [1.0]) for name in names]
    else:
        nodes = [helper.make_node("Dropout", ["logits", "ratio", "training"], ["n"])]
        weights = [helper.make_tensor("ratio", TensorProto.FLOAT, [], [0.5]),
                   helper.make_tensor("training", TensorProto.BOOL, [], [True])]  # fmt: skip
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(weights)
    model.graph.output[0].name = "n"
    onnx.save(model, network)
    with pytest.raises(sdk.ModelFolderError, match=r"in training mode.*call eval\(\)"):
        imported(network, tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"low": float("nan")}, "low and high must be two different finite numbers"),
        ({"low": 1.0, "high": 1.0}, "low and high must be two different finite numbers"),
        ({"percentiles": (99.0, 1.0)}, "percentiles must rise within 0..100, got 99 and 1"),
        ({"percentiles": (-1.0, 50.0)}, "percentiles must rise"),
        (
            {"layout": "NHWC"},
            r"frames of 1 x 64 pixels are no images.*layout NHWC, check that it is not NCHW",
        ),
    ],
)
def test_numbers_that_make_no_image_are_refused(network, tmp_path, given, message):
    with pytest.raises(sdk.ModelFolderError, match=message):
        imported(network, tmp_path, **given)


def test_contrast_can_be_inverted(network, tmp_path):
    folder = imported(network, tmp_path, low=1.0, high=0.0)
    with sdk.Session(folder.path) as session:
        answer = session(sdk.Frame(pixels=dark_square())).require()
    np.testing.assert_array_equal(answer.mask, dark_square() > 100)


def test_a_folder_of_something_else_is_left_alone(network, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "notes.txt").write_text("mine")
    with pytest.raises(sdk.ModelFolderError, match="exists and is no model folder"):
        imported(network, tmp_path)
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["notes.txt"]


def test_what_was_made_of_the_network_before_goes(network, tmp_path):
    folder = imported(network, tmp_path)
    old = folder.path / "graph.int8.onnx"
    old.write_bytes(folder.graph("fp32").read_bytes())
    manifest = replace(folder.manifest, graphs={"fp32": "graph.fp32.onnx", "int8": old.name})
    names = (*folder.manifest.files, old.name)
    write_folder(folder.path, manifest, {n: (folder.path / n).read_bytes() for n in names})
    again = imported(network, tmp_path)
    assert not old.exists()
    assert set(again.manifest.graphs) == {"fp32"}
    assert {path.name for path in again.path.iterdir()} == {*again.manifest.files, "manifest.json"}
