"""The graph normalises its channels, as it would be done before it."""

import networks
import numpy as np
import onnx
import pytest
from onnx import helper

import sdk
from export.bring_your_own import Description, import_network
from export.normalisation import normalise_channels
from sdk.backends import open_backend

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def network(path, layout):
    shape = [1, 3, 16, 24] if layout == "NCHW" else [1, 16, 24, 3]
    nodes = [
        helper.make_node("Neg", ["image"], ["turned"]),
        helper.make_node("Add", ["turned", "image"], ["none"]),
        helper.make_node("Sub", ["none", "turned"], ["map"]),
    ]
    return networks.save(
        path, nodes, [networks.tensor("image", shape)], [networks.tensor("map", shape)]
    )


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_every_reader_sees_the_normalised_image(tmp_path, layout):
    path = network(tmp_path / "network.onnx", layout)
    model = onnx.load(path)
    normalise_channels(model, layout, MEAN, STD)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    backend = open_backend(path)
    image = np.random.default_rng(0).random(backend.inputs["image"].shape).astype(np.float32)
    np.copyto(backend.inputs["image"], image)
    backend.run()
    spread = (1, 3, 1, 1) if layout == "NCHW" else (1, 1, 1, 3)
    expected = (image - np.reshape(MEAN, spread)) / np.reshape(STD, spread)
    np.testing.assert_allclose(backend.outputs["map"], expected, atol=1e-5)


def test_the_folder_answers_as_if_it_had_been_done_before(tmp_path):
    given = networks.darkness(tmp_path / "network.onnx", channels=3)
    plain = import_network(given, tmp_path / "plain", Description())
    moved = import_network(given, tmp_path / "moved", Description(mean=(0.25,), std=(0.5,)))
    image, _ = plain.golden()[0]
    found = []
    for folder, pixels in ((plain, (image["image"] - 0.25) / 0.5), (moved, image["image"])):
        backend = open_backend(folder.graph("fp32"))
        np.copyto(backend.inputs["image"], pixels)
        backend.run()
        found.append(backend.outputs["logits"].copy())
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mean": (0.5, 0.5)}, r"--mean takes one finite number, or one for each of the 3"),
        ({"std": (0.5, 0.0, 0.5)}, "--std takes positive numbers"),
        ({"mean": (float("nan"),)}, "--mean takes one finite number"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(tmp_path, given, message):
    path = networks.darkness(tmp_path / "network.onnx", channels=3)
    with pytest.raises(sdk.ModelFolderError, match=message):
        import_network(path, tmp_path / "model", Description(**given))
