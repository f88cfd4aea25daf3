"""Every library that runs graphs does what was asked for, on tensors made once, or says why not."""

import sys

import networks
import numpy as np
import pytest
from onnx import TensorProto, helper

from sdk import BackendError, ModelFolderError
from sdk.backends import LIBRARIES, open_backend, version_of

ON_CPU = [name for name in LIBRARIES if "cuda" not in name]
ON_GPU = [pytest.param(name, marks=pytest.mark.gpu) for name in LIBRARIES if "cuda" in name]


@pytest.fixture(params=ON_CPU + ON_GPU)
def library(request):
    return installed(request.param)


@pytest.fixture(params=ON_CPU)
def cpu_library(request):
    return installed(request.param)


def installed(library):
    try:
        version_of(library)
    except BackendError as error:
        pytest.skip(str(error))
    return library


@pytest.fixture
def graph(tmp_path):
    return networks.darkness(tmp_path / "network.onnx", (8, 8))


def test_computes_into_the_tensors_it_made(graph, library):
    backend = open_backend(graph, library=library, threads=1)
    image, logits = backend.inputs["image"], backend.outputs["logits"]
    assert not image.any()
    for value, expected in ((0.25, 5.0), (0.75, -5.0)):
        image[...] = value
        backend.run()
        assert backend.outputs["logits"] is logits
        np.testing.assert_allclose(logits, expected, rtol=1e-6)
    assert backend.name == (library if library.endswith("-cuda") else f"{library}-cpu")
    assert version_of(library)[0].isdigit()


def test_tensors_keep_the_names_and_types_that_the_graph_gives_them(tmp_path, library):
    nodes = [
        helper.make_node("Cast", ["half"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Relu", ["wide"], ["inner"]),
        helper.make_node("Identity", ["inner"], ["copy"]),
        helper.make_node("Identity", ["inner"], ["twin"]),
    ]
    outputs = [networks.tensor(name, [1, 4]) for name in ("twin", "copy", "inner")]
    half = networks.tensor("half", [1, 4], TensorProto.FLOAT16)
    backend = open_backend(
        networks.save(tmp_path / "names.onnx", nodes, [half], outputs), library=library
    )
    assert {name: t.dtype for name, t in backend.inputs.items()} == {"half": np.float16}
    backend.inputs["half"][...] = [-1, 0, 1, 2]
    backend.run()
    for name in ("twin", "copy", "inner"):
        np.testing.assert_array_equal(backend.outputs[name], [[0, 0, 1, 2]])


def test_a_library_computes_fp32_in_fp32(tmp_path, library):
    """2 ** -20 beside 1 is lost in BF16 and FP16, and in any reduced product."""
    weight = np.full((64, 64), 2.0**-20, np.float32)
    np.fill_diagonal(weight, 1.0)
    nodes = [helper.make_node("MatMul", ["x", "weight"], ["y"])]
    weights = [helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.ravel())]
    shapes = [networks.tensor("x", [1, 64])], [networks.tensor("y", [1, 64])]
    backend = open_backend(
        networks.save(tmp_path / "m.onnx", nodes, *shapes, weights), library=library
    )
    backend.inputs["x"][...] = 1.0
    backend.run()
    np.testing.assert_allclose(backend.outputs["y"], 1 + 63 * 2.0**-20, rtol=1e-7)


def test_dynamic_shapes_are_refused(tmp_path, library):
    graph = networks.darkness(tmp_path / "network.onnx", ("rows", 8))
    with pytest.raises(ModelFolderError, match="dynamic shape"):
        open_backend(graph, library=library)


def test_a_type_that_no_task_fills_is_refused(tmp_path, library):
    shapes = [[networks.tensor(name, [1, 4], TensorProto.DOUBLE)] for name in "xy"]
    graph = networks.save(
        tmp_path / "double.onnx", [helper.make_node("Identity", ["x"], ["y"])], *shapes
    )
    with pytest.raises(ModelFolderError, match="expected one of"):
        open_backend(graph, library=library)


def test_a_file_that_is_no_graph_is_refused(tmp_path, library):
    path = tmp_path / "network.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(ModelFolderError, match="cannot load"):
        open_backend(path, library=library)


def test_a_closed_backend_says_so(graph, library):
    backend = open_backend(graph, library=library)
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match="closed"):
        backend.run()


def test_another_suffix_is_refused(tmp_path, library):
    with pytest.raises(ModelFolderError, match=r"expected \.onnx"):
        open_backend(tmp_path / "network.pt", library=library)


def test_another_library_is_refused(graph):
    with pytest.raises(BackendError, match="only onnxruntime, openvino, onnxruntime-cuda"):
        open_backend(graph, library="caffe")
    with pytest.raises(BackendError, match="only onnxruntime, openvino, onnxruntime-cuda"):
        version_of("caffe")


def test_a_library_that_is_not_installed_says_what_to_install(graph, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "sdk.backends.openvino", raising=False)
    with pytest.raises(BackendError, match=r"pip install 'angioedge\[openvino\]'"):
        open_backend(graph, library="openvino")


@pytest.fixture
def stateful(tmp_path, cpu_library):
    graph = networks.arteries(tmp_path / "network.onnx", (8, 8))
    backend = open_backend(graph, library=cpu_library, threads=1)
    backend.carry({"highest_in": "highest_out", "frames_in": "frames_out"})
    return backend


def test_carried_tensors_come_back_in_the_next_run(stateful):
    frame, arteries = stateful.inputs["frame"], stateful.outputs["arteries"]
    highest = 0.0
    for value in (-2.0, -5.0, -3.0, -1.0, -7.0):
        frame[...] = value
        stateful.run()
        highest = max(highest, -value)
        np.testing.assert_array_equal(arteries, np.float32(highest - 1.0))
        np.testing.assert_array_equal(stateful.outputs["filled"], np.float32(-value - 1.0))


def test_another_run_remembers_nothing(stateful):
    for runs in (1, 2):  # whichever of the two sides the state lies on
        stateful.inputs["frame"][...] = -9.0
        for _ in range(runs):
            stateful.run()
        stateful.begin_run()
        stateful.inputs["frame"][...] = -2.0
        stateful.run()
        np.testing.assert_array_equal(stateful.outputs["arteries"], np.float32(1.0))


def test_carried_tensors_are_the_backends_own(stateful):
    assert set(stateful.inputs) == {"frame"}
    assert set(stateful.outputs) == {"arteries", "filled"}


@pytest.mark.parametrize("pair", [{"frames_in": "highest_out"}, {"memory_in": "memory_out"}])
def test_a_state_that_does_not_fit_is_refused(tmp_path, cpu_library, pair):
    graph = networks.arteries(tmp_path / "network.onnx", (8, 8))
    backend = open_backend(graph, library=cpu_library)
    with pytest.raises(ModelFolderError, match="same shape and dtype"):
        backend.carry(pair)


def test_sums_of_eight_bit_products_do_not_saturate(tmp_path, cpu_library):
    """On x86 without VNNI they would, at 32767 for two products."""
    backend = open_backend(networks.largest_sums(tmp_path / "sums.onnx"), library=cpu_library)
    backend.inputs["x"][...] = 25.5
    backend.run()
    np.testing.assert_allclose(backend.outputs["z"], 25.5 * 1.27 * 16, atol=2)
