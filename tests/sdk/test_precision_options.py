"""Options that differ for the graphs of a precision come and go with these graphs."""

import json

import folders
import numpy as np
import volume_folders
from folders import SIDE

import sdk
from sdk.backends import TakeoverBackend
from sdk.model_folder import ModelFolder
from sdk.tasks import contract_of, parts_of


def thresholds(folder, **of_precisions):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    options = {precision: {"threshold": value} for precision, value in of_precisions.items()}
    path.write_text(json.dumps(manifest | {"precision_options": options}))


def test_options_of_a_precision_come_with_its_graph(tmp_path):
    folder = folders.twin_folder(tmp_path / "model").path
    thresholds(folder, int8=0.9)
    for precision, expected in (("fp32", 0.5), ("int8", 0.9)):
        with sdk.Session(folder, precision=precision) as session:
            assert session.task.threshold == expected


def test_options_change_with_the_backend_that_takes_over(tmp_path):
    folder = folders.quality_folder(tmp_path / "model").path
    task = sdk.AngiogramQuality(size=(SIDE, SIDE))
    outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in task.outputs}
    first, other = (sdk.ReplayBackend(task.inputs, [outputs]) for _ in range(2))
    first.precision, other.precision = "fp32", "int8"
    thresholds(folder, int8=0.9)
    backend = TakeoverBackend(first, lambda: other, wanted="the other")
    with sdk.Session(folder, backend=backend) as session:
        assert session.task.threshold == 0.5
        assert backend.wait(60)
        session(sdk.Frame(pixels=folders.dark_square()))
        assert (session.precision, session.task.threshold) == ("int8", 0.9)


def test_thresholds_change_with_the_graphs_that_take_over(tmp_path):
    folder = volume_folders.microbleed_folder(tmp_path / "model").path
    thresholds(folder, int8=0.75)
    with sdk.VolumeSession(folder, threads=1) as session:
        assert session.task.threshold != 0.75
        session._backends["detector"].precision = "int8"  # as one that takes over
        session(volume_folders.head((12, 40, 30))).require()
        assert session.task.threshold == 0.75


def test_answers_are_read_for_a_certificate_with_the_options_of_their_precision(tmp_path):
    folder = volume_folders.microbleed_folder(tmp_path / "model")
    thresholds(folder.path, int8=0.999)
    part = parts_of(ModelFolder.open(folder.path))[0]
    plain, quantised = contract_of(part), contract_of(part, "int8")
    outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in plain.outputs}
    outputs["logits"] -= 9
    outputs["logits"].flat[0] = np.log(0.99 / 0.01)
    assert (len(plain.read(outputs)), len(quantised.read(outputs))) == (1, 0)
