"""A vendor's network becomes a model folder, or the vendor learns why not."""

import networks
import numpy as np
import onnx
import pytest
from folders import dark_square
from onnx import TensorProto, helper

import sdk
from export.bring_your_own import Description, import_network


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


def test_a_network_that_gives_nan_is_refused(tmp_path):
    nodes = [helper.make_node("Log", ["image"], ["logits"])]
    shapes = [networks.tensor("image", [1, 1, 8, 8])], [networks.tensor("logits", [1, 1, 8, 8])]
    network = networks.save(tmp_path / "network.onnx", nodes, *shapes)
    with pytest.raises(sdk.ModelFolderError, match="NaN or infinity"):
        imported(network, tmp_path, low=-1.0, high=0.0)
