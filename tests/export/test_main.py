"""What importing says."""

import networks
import onnx
import pytest
from click.testing import CliRunner

from export.__main__ import export, main


def call(network, tmp_path, *options):
    out = str(tmp_path / "model")
    arguments = ["import", str(network), "--task", "segmentation", "--out", out, *options]
    return CliRunner().invoke(export, arguments)


def test_it_says_how_the_network_is_read_and_what_is_odd(tmp_path):
    network = networks.darkness(tmp_path / "network.onnx", channels=3)
    said = call(network, tmp_path, "--low", "2", "--high", "3", "--mean", "1,2,2.5")
    assert said.exit_code == 0
    first, second, *notes = said.output.splitlines()
    assert "image 1 x 3 x 64 x 64 (NCHW), percentiles 1 and 99 become 2 and 3" in first
    assert first.endswith("logits 1 x 1 x 64 x 64, logits, vessels in channel 0 from 0.5")
    assert second == f"try it: angioedge run {tmp_path / 'model'} RUN.dcm"
    assert notes == []


def test_a_remark_is_a_note(tmp_path):
    network = networks.darkness(tmp_path / "network.onnx")
    model = onnx.load(network)
    steep = next(item for item in model.graph.initializer if item.name == "steep")
    steep.CopyFrom(onnx.helper.make_tensor("steep", onnx.TensorProto.FLOAT, [], [0.0]))
    onnx.save(model, network)
    (note,) = [line for line in call(network, tmp_path).output.splitlines() if "note:" in line]
    assert note == "note: the output is 0 everywhere, whatever the image holds"


def test_a_path_with_a_space_can_be_pasted(tmp_path):
    folder = tmp_path / "my networks"
    folder.mkdir()
    said = call(networks.darkness(folder / "network.onnx"), folder)
    assert f"run '{folder / 'model'}' RUN.dcm" in said.output


def test_a_size_is_of_whole_images(tmp_path):
    said = call(networks.darkness(tmp_path / "network.onnx"), tmp_path, "--size", "-5", "0")
    assert said.exit_code == 2
    assert "-5 is not in the range x>=1" in said.output


def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch, capsys):
    network = networks.darkness(tmp_path / "network.onnx")
    (tmp_path / "file").write_text("in the way")
    out = str(tmp_path / "file" / "model")
    arguments = ["import", str(network), "--task", "segmentation", "--out", out]
    monkeypatch.setattr("sys.argv", ["export", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert f"angioedge: {out} cannot be written: " in capsys.readouterr().err


def test_numbers_stand_between_commas(tmp_path):
    network = networks.darkness(tmp_path / "network.onnx", channels=3)
    said = call(network, tmp_path, "--mean", "1;2")
    assert said.exit_code == 2
    assert "expected numbers between commas, got '1;2'" in said.output
