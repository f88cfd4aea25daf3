"""doctor says which device and which TensorRT it sees; both are stand-ins here."""

import json
import sys

import pytest
import stand_in_device
import tensorrt_stand_in
from click.testing import CliRunner

from sdk import engines
from sdk.cli import angioedge
from sdk.engines import probe_device


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """A driver that doctor finds instead of this machine's."""
    library = stand_in_device.driver(tmp_path)
    monkeypatch.setattr(engines, "probe_device", lambda: probe_device(str(library)))


def findings():
    answer = CliRunner().invoke(angioedge, ["doctor", "--json"])
    assert answer.exit_code == 0
    return {row["what"]: row for row in json.loads(answer.output)}


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("version", "typing"),
    [("8.6.1", "from flags"), ("10.3.0", "or from flags"), ("11.4.0.106", "from the graph alone")],
)
def test_says_what_device_and_tensorrt_are_here(monkeypatch, version, typing):
    monkeypatch.setitem(sys.modules, "tensorrt", tensorrt_stand_in.make(version))
    seen = findings()
    assert seen["CUDA device"]["detail"].startswith("Orin, sm_87, 8192 MiB, CUDA 12.6")
    assert seen["TensorRT"]["state"] == "ok"
    assert version in seen["TensorRT"]["detail"]
    assert seen["TensorRT"]["detail"].endswith(typing)


@pytest.mark.usefixtures("driver")
def test_a_device_without_tensorrt_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    seen = findings()["TensorRT"]
    assert seen["state"] == "absent"
    assert "--system-site-packages" in seen["todo"]


def test_without_a_driver_tensorrt_is_not_imported(monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "probe_device", lambda: probe_device("libangioedge-absent.so.1"))
    (tmp_path / "tensorrt.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    seen = findings()
    assert "no CUDA driver" in seen["CUDA device"]["detail"]
    assert seen["TensorRT"]["detail"] == "here, but not imported without a CUDA device"
