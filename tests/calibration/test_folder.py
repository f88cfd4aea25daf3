"""A model folder opens whenever its calibration is interrupted."""

import json

import folders
import pytest

from calibration.errors import CalibrationError
from calibration.folder import GRAPHS, WRITTEN, Quantised, add, check_target
from calibration.golden import Limits
from sdk import model_folder
from sdk.golden import LEAST_AGREEMENT, ROUNDING
from sdk.model_folder import ModelFolder

OLD, NEW = b"old", b"new"


def quantised(content):
    return Quantised(
        files=dict.fromkeys(sorted(WRITTEN), content),
        graphs=GRAPHS,
        golden={
            "int8": Limits(tolerances={"grade": 0.25}, agreements={"dice": 0.5}),
            "int8.cpu": Limits(tolerances={"grade": 0.5}),
        },
        origin={"certified": True},
        precision_options={"int8": {"threshold": 0.25}},
    )


@pytest.fixture
def folder(tmp_path):
    return folders.quality_folder(tmp_path / "model")


def test_the_graphs_join_and_everything_else_stays(folder):
    before = folder.manifest
    after = add(folder, quantised(NEW), None).manifest
    assert after.graphs == before.graphs | GRAPHS
    assert before.files.items() <= after.files.items()
    assert after.golden.tolerance_of("int8.cpu", "grade") == 0.5
    assert after.golden.tolerance_of("int8.cpu", "vessels") == ROUNDING["int8"]
    assert after.golden.tolerance_of("fp32", "grade") == before.golden.tolerance
    assert after.golden.least_agreement("int8.cpu", "dice") == 0.5
    assert after.golden.least_agreement("fp32", "dice") == LEAST_AGREEMENT["dice"]
    assert after.origin["calibration"] == {"certified": True}
    assert after.options == before.options
    assert after.options_of("int8") == {**before.options, "threshold": 0.25}
    assert after.options_of("fp32") == before.options


def test_a_copy_leaves_the_folder_alone(folder, tmp_path):
    before = (folder.path / "manifest.json").read_bytes()
    copy = add(folder, quantised(NEW), tmp_path / "copy")
    assert (folder.path / "manifest.json").read_bytes() == before
    assert copy.graph("int8").read_bytes() == NEW
    assert copy.graph("fp32").read_bytes() == folder.graph("fp32").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"copy", "model"}


def test_a_target_that_is_there_is_refused(folder):
    with pytest.raises(CalibrationError, match="is there already"):
        check_target(folder.path)


@pytest.mark.parametrize("calibrated_before", [False, True])
def test_the_folder_opens_wherever_writing_stops(folder, monkeypatch, calibrated_before):
    """Stops before the first replaced file, before the second, and so on until none is left."""
    replace, stops = model_folder.write_whole, 0
    for stop in range(40):
        if calibrated_before:
            folder = add(folder, quantised(OLD), None)
        left = iter(range(stop))

        def interrupted(path, content, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            replace(path, content)

        monkeypatch.setattr(model_folder, "write_whole", interrupted)
        try:
            add(folder, quantised(NEW), None)
            break
        except KeyboardInterrupt:
            stops += 1
        finally:
            monkeypatch.setattr(model_folder, "write_whole", replace)
        opened = ModelFolder.open(folder.path)
        assert opened.graph("fp32").is_file()
        if "int8" in opened.manifest.graphs:
            assert opened.graph("int8").read_bytes() in {OLD, NEW}
    assert stops > len(WRITTEN)
    assert ModelFolder.open(folder.path).graph("int8").read_bytes() == NEW


def test_an_interrupted_copy_leaves_nothing(folder, tmp_path, monkeypatch):
    replace, left = model_folder.write_whole, iter(range(3))

    def interrupted(path, content):
        if next(left, None) is None:
            raise KeyboardInterrupt
        replace(path, content)

    monkeypatch.setattr(model_folder, "write_whole", interrupted)
    with pytest.raises(KeyboardInterrupt):
        add(folder, quantised(NEW), tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_manifest_is_json_that_can_be_read_again(folder):
    add(folder, quantised(NEW), None)
    content = json.loads((folder.path / "manifest.json").read_text())
    assert content["golden"]["tolerances"] == {"int8": {"grade": 0.25}, "int8.cpu": {"grade": 0.5}}
    assert content["golden"]["agreements"] == {"int8": {"dice": 0.5}, "int8.cpu": {}}
