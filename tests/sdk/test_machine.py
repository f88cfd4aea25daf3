"""What a machine says about itself is understood, also where it says little."""

import pytest

from sdk import machine

EPYC = "processor\t: 0\nmodel name\t: AMD EPYC 9R14\nflags\t\t: fpu avx2 {}sse2\n"


@pytest.fixture
def cpu_info(tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(machine, "CPU_INFO", path)
    monkeypatch.setattr(machine, "BOARD", tmp_path / "model")
    return path


@pytest.mark.parametrize(
    ("flag", "has"),
    [("avx512_vnni ", True), ("avx_vnni ", True), ("avx512_vnni_like ", False), ("", False)],
)
def test_x86_processors_add_exactly_if_they_have_vnni(cpu_info, monkeypatch, flag, has):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    cpu_info.write_text(EPYC.format(flag))
    assert machine.adds_products_exactly() is has


def test_x86_machines_that_name_no_flags_are_taken_for_old_ones(cpu_info, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "AMD64")
    assert not machine.adds_products_exactly()
    cpu_info.write_text("model name\t: avx_vnni\nFeatures\t: fp asimd\n")
    assert not machine.adds_products_exactly()


def test_other_processors_add_exactly(cpu_info, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    cpu_info.write_text("processor\t: 0\nFeatures\t: fp asimd\n")
    assert machine.adds_products_exactly()


def test_a_board_names_itself_where_its_processor_does_not(cpu_info, tmp_path):
    cpu_info.write_text("processor\t: 0\nFeatures\t: fp asimd\n")
    (tmp_path / "model").write_text("NVIDIA Jetson Orin Nano\0")
    assert machine.processor() == "NVIDIA Jetson Orin Nano"
    cpu_info.write_text(EPYC.format(""))
    assert machine.processor() == "AMD EPYC 9R14"
