"""angioedge build shows what it does and what came of it."""

import io

import folders
import pytest
from click.testing import CliRunner
from rich.console import Console

from sdk.cli import angioedge
from sdk.cli.build import _PhaseBars, _table
from sdk.engines import Choice, Progress, Step, probe_device, toolkit
from sdk.errors import BackendError


def test_says_what_was_left_and_why():
    told = io.StringIO()
    steps = (Step(precision="int8", reason="no kernel"),)
    choice = Choice(chosen="fp16", reason="all that builds", plans={}, steps=steps)
    Console(file=told, width=80).print(_table(choice))
    lines = " ".join(told.getvalue().split())
    assert "int8 │ left │ no kernel" in lines
    assert "fp16 │ chosen │ all that builds" in lines


def test_every_phase_has_a_bar_while_it_lasts():
    bars = _PhaseBars(Console(file=io.StringIO()))
    bars.show(Progress(phase="building int8"))
    bars.show(Progress(phase="Computing costs", steps=4))
    bars.show(Progress(phase="Computing costs", done=3, steps=4))
    assert [(task.description, task.completed, task.total) for task in bars.tasks] == [
        ("building int8", 0, None),
        ("Computing costs", 3, 4),
    ]
    bars.show(Progress(phase="Computing costs", finished=True))
    bars.show(Progress(phase="never begun", finished=True))
    assert [task.description for task in bars.tasks] == ["building int8"]


def test_without_a_driver_nothing_is_built(tmp_path, monkeypatch):
    folder = folders.quality_folder(tmp_path / "model")
    monkeypatch.setattr(toolkit, "probe_device", lambda: probe_device("libangioedge-absent.so.1"))
    with pytest.raises(BackendError, match="no CUDA driver"):
        CliRunner().invoke(angioedge, ["build", str(folder.path)], catch_exceptions=False)


def test_an_unknown_precision_is_wrong_usage(tmp_path):
    arguments = ["build", str(tmp_path), "--precision", "int4"]
    assert CliRunner().invoke(angioedge, arguments).exit_code == 2
