"""A part of a model folder is a folder of one network."""

import io
from dataclasses import replace

import numpy as np
import pytest
import volume_folders

import sdk
from sdk.model_folder import write_folder
from sdk.model_part import ModelPart, part_name
from sdk.tasks import contract_of, parts_of


@pytest.fixture
def folder(tmp_path):
    return volume_folders.microbleed_folder(tmp_path / "model")


def test_every_network_has_its_own_graphs_and_golden_pairs(folder):
    detector, regions = parts_of(folder)
    assert [part_name(part) for part in (folder, detector, regions)] == ["", "detector", "regions"]
    assert detector.graph("fp32").name == "detector.fp32.onnx"
    assert regions.graph("fp32").name == "regions.fp32.onnx"
    assert [set(inputs) for inputs, _ in detector.golden()] == [{"tile"}]
    assert [set(inputs) for inputs, _ in regions.golden()] == [{"patch"}]


def test_contracts_are_those_of_the_parts(folder):
    names = [[spec.name for spec in contract_of(part).outputs] for part in parts_of(folder)]
    assert names == [["logits", "offsets"], ["regions"]]


def test_a_missing_graph_is_named_with_its_network(folder):
    detector, _ = parts_of(folder)
    with pytest.raises(sdk.ModelFolderError, match="no int8 graph of its detector, it has fp32"):
        detector.graph("int8")
    with pytest.raises(sdk.ModelFolderError, match="no graph of its painter"):
        ModelPart.of(folder, "painter", ["tile"])


def test_a_golden_pair_of_no_network_is_refused(folder):
    with np.load(folder.path / "golden.npz") as archive:
        arrays = {name.replace("patch", "batch"): archive[name] for name in archive.files}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    files = {name: (folder.path / name).read_bytes() for name in folder.manifest.files}
    altered = write_folder(
        folder.path,
        replace(folder.manifest, files={}),
        files | {"golden.npz": buffer.getvalue()},
    )
    with pytest.raises(sdk.ModelFolderError, match=r"golden pair 1: its inputs batch"):
        parts_of(altered)
    with pytest.raises(sdk.ModelFolderError, match="batch"):
        sdk.VolumeSession(altered.path)
