"""The driver is asked first, and what it lacks is said; the driver here is a stand-in."""

from dataclasses import replace

import pytest
import stand_in_device

from sdk.engines import probe_device
from sdk.errors import BackendError

RELEASE = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: x\n"


def test_describes_the_device(tmp_path):
    (tmp_path / "nv_tegra_release").write_text(RELEASE, encoding="utf-8")
    driver = stand_in_device.driver(tmp_path)
    device = probe_device(str(driver), tmp_path / "nv_tegra_release")
    assert (device.name, device.sm, device.memory_mib) == ("Orin", "87", 8192)
    assert (device.cuda, device.l4t, device.integrated) == ("12.6", "36.4.3", True)
    assert str(device) == "Orin, sm_87, 8192 MiB, CUDA 12.6, Jetson Linux 36.4.3"


@pytest.mark.parametrize(
    "said",
    [
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan 16 20:07:44 UTC 2025\n",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (x)\n",
    ],
)
def test_other_drivers_name_their_release(tmp_path, said):
    (tmp_path / "version").write_text(said + "GCC version:  gcc version 12.3.0\n", encoding="utf-8")
    driver = str(stand_in_device.driver(tmp_path))
    device = probe_device(driver, tmp_path / "absent", tmp_path / "version")
    assert str(device) == "Orin, sm_87, 8192 MiB, CUDA 12.6, driver 570.86.15"
    assert device.identity == "Orin, sm_87, CUDA 12.6, driver 570.86.15"


def test_a_device_is_another_with_another_driver_and_the_same_with_other_memory(tmp_path):
    """What the driver calls all memory of a Jetson differs a little from start to start."""
    now = probe_device(str(stand_in_device.driver(tmp_path)), tmp_path / "absent")
    assert replace(now, memory_mib=now.memory_mib - 1).identity == now.identity
    assert replace(now, driver="570.86.16").identity != now.identity
    assert replace(now, l4t="36.4.4").identity != now.identity


def test_is_no_jetson_without_its_release_file(tmp_path):
    assert probe_device(str(stand_in_device.driver(tmp_path)), tmp_path / "absent").l4t == ""


def test_a_missing_driver_is_said():
    with pytest.raises(BackendError, match="there is no CUDA driver"):
        probe_device("libangioedge-absent.so.1")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"devices": 0}, "sees no device"),
        ({"status": 100}, "sees no device"),
        ({"status": 803}, r"cuInit with error 803 \(out of order\)"),
    ],
)
def test_what_the_driver_refuses_is_said(tmp_path, fault, reason):
    with pytest.raises(BackendError, match=reason):
        probe_device(str(stand_in_device.driver(tmp_path, **fault)))
