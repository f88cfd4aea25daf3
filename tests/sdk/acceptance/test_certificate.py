"""A certificate says how closely a backend answers as the CPU does, and for what it stands."""

import json

import folders
import numpy as np
import pytest
from folders import SIDE

from sdk import AngiogramQuality, BackendError, EngineError, ModelFolderError, ReplayBackend
from sdk.acceptance import Measured, qualify, read_certificate, write_certificate
from sdk.backends import open_backend
from sdk.golden import Golden
from sdk.model_folder import ModelFolder


@pytest.fixture
def folder(tmp_path):
    return folders.quality_folder(tmp_path / "model")


@pytest.fixture
def task():
    return AngiogramQuality(size=(SIDE, SIDE), min_tree_fraction=0.0)


def certified(folder, task, candidate, precision="fp32"):
    reference = open_backend(folder.graph("fp32"), threads=1)
    return qualify(folder, task, precision, reference, candidate)


def replayed(folder, task, damage):
    """A backend that gives the recorded outputs, damaged."""
    [(_, outputs)] = folder.golden()
    outputs = {name: tensor.copy() for name, tensor in outputs.items()}
    damage(outputs)
    return ReplayBackend(task.inputs, [outputs])


def test_the_same_graph_passes_on_other_threads(folder, task):
    certificate = certified(folder, task, open_backend(folder.graph("fp32"), threads=2))
    assert certificate.passed
    assert certificate.frames == 1
    assert certificate.agreements == {
        "dice": Measured(found=1.0, limit=0.98),
        "same_grade": Measured(found=1.0, limit=1.0),
    }
    assert certificate.differences["vessels"] == Measured(found=0.0, limit=1e-3)
    assert certificate.candidate["graph_sha256"] == folder.manifest.files["graph.fp32.onnx"]


def test_a_damaged_tensor_is_not_passed_even_if_the_answer_agrees(folder, task):
    def damage(outputs):
        outputs["vessels"] += 1e-2 * np.sign(outputs["vessels"]) * np.ptp(outputs["vessels"])

    certificate = certified(folder, task, replayed(folder, task, damage))
    assert certificate.agreements["dice"].found == 1.0
    assert certificate.shortfalls == (
        f"vessels differs by {certificate.differences['vessels'].found}, expected at most 0.001",
    )


def test_a_coarser_precision_is_judged_by_its_answers(folder, task):
    def damage(outputs):
        outputs["vessels"] += 1e-2 * np.sign(outputs["vessels"]) * np.ptp(outputs["vessels"])

    assert certified(folder, task, replayed(folder, task, damage), "fp16").passed


def test_another_grade_is_not_passed(folder, task):
    def damage(outputs):
        outputs["grade"] = -outputs["grade"]

    certificate = certified(folder, task, replayed(folder, task, damage), "int8")
    assert "same_grade is 0.0, expected at least 1" in certificate.shortfalls


def test_a_tensor_that_is_not_finite_is_not_passed(folder, task, tmp_path):
    def damage(outputs):
        outputs["vessels"][..., 0, 0] = np.nan

    certificate = certified(folder, task, replayed(folder, task, damage), "int8")
    assert certificate.differences["vessels"].found is None
    assert not certificate.passed
    write_certificate(certificate, tmp_path / "verdict.json")
    assert "NaN" not in (tmp_path / "verdict.json").read_text()


def test_limits_stand_in_the_manifest(tmp_path, task):
    golden = Golden(tolerances={"int8": {"vessels": 0.25}}, answers={"dice": 0.5})
    folder = folders.quality_folder(tmp_path / "model", golden=golden)
    candidate = open_backend(folder.graph("fp32"), threads=1)
    certificate = certified(folder, task, candidate, "int8.fewer")
    assert certificate.differences["vessels"].limit == 0.25
    assert certificate.agreements["dice"].limit == 0.5
    assert certificate.agreements["same_grade"].limit == 1.0


def test_it_comes_back_from_its_file(folder, task, tmp_path):
    path = tmp_path / "verdict.json"
    certificate = certified(folder, task, open_backend(folder.graph("fp32"), threads=1))
    write_certificate(certificate, path)
    assert read_certificate(path) == certificate
    record = json.loads(path.read_text())
    assert record["passed"] is True
    assert record["candidate"]["library"].startswith("onnxruntime ")
    assert read_certificate(tmp_path / "absent.json") is None


def test_a_verdict_that_was_edited_does_not_count(folder, task, tmp_path):
    path = tmp_path / "verdict.json"
    bad = replayed(folder, task, lambda outputs: outputs["grade"].__imul__(-1))
    write_certificate(certified(folder, task, bad), path)
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"passed": True, "shortfalls": []}))
    assert not read_certificate(path).passed


def test_where_nothing_can_be_written_it_is_said(folder, task, tmp_path):
    certificate = certified(folder, task, open_backend(folder.graph("fp32"), threads=1))
    with pytest.raises(EngineError, match="cannot be written"):
        write_certificate(certificate, tmp_path / "absent" / "verdict.json")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"passed": true, "shortfalls": []}'])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "verdict.json"
    path.write_text(content)
    with pytest.raises(BackendError, match="holds no certificate"):
        read_certificate(path)


def test_it_stands_for_what_was_compared_alone(folder, task):
    candidate = open_backend(folder.graph("fp32"), threads=1)
    certificate = certified(folder, task, candidate)
    assert certificate.objections(candidate.identity, folder) == ()
    updated = dict(candidate.identity) | {"library": "onnxruntime 99"}
    [objection] = certificate.objections(updated, folder)
    assert objection.endswith("is now onnxruntime 99")
    files = dict(folder.manifest.files) | {"golden.npz": "0" * 64}
    other = ModelFolder(
        folder.path,
        type(folder.manifest)(task="angiogram_quality", graphs={}, files=files, golden=Golden()),
    )
    assert certificate.objections(candidate.identity, other) == (
        "the model folder has other golden frames now",
    )


def test_a_reference_that_does_not_give_what_was_recorded_is_refused(folder, task):
    bad = replayed(folder, task, lambda outputs: outputs["grade"].__iadd__(1.0))
    good = open_backend(folder.graph("fp32"), threads=1)
    with pytest.raises(BackendError, match="differs from what was recorded"):
        qualify(folder, task, "fp32", bad, good)


def test_without_golden_frames_nothing_is_certified(tmp_path, task):
    folder = folders.quality_folder(tmp_path / "model", golden=None)
    with pytest.raises(ModelFolderError, match="nothing can be certified"):
        certified(folder, task, open_backend(folder.graph("fp32"), threads=1))
