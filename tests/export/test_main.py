"""What importing says."""

import networks
import onnx
from click.testing import CliRunner

from export.__main__ import export


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


def test_numbers_stand_between_commas(tmp_path):
    network = networks.darkness(tmp_path / "network.onnx", channels=3)
    said = call(network, tmp_path, "--mean", "1;2")
    assert said.exit_code == 2
    assert "expected numbers between commas, got '1;2'" in said.output
