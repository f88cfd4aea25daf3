"""``angioedge tune`` times what is certified and records the fastest, the most exact of a tie."""

import json
import sys
import time
from importlib import import_module

import numpy as np
import pytest
from click.testing import CliRunner
from folders import twin_folder

from sdk import Session
from sdk.backends import ReplayBackend
from sdk.cli import angioedge
from sdk.errors import BackendError
from sdk.model_folder import ModelFolder
from sdk.tuning import FILE, Setting, read_tuning

command = import_module("sdk.cli.tune")  # sdk.cli.tune is the command of that name


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "LIBRARIES", ("onnxruntime",))
    monkeypatch.setattr(command, "cores", lambda: 2)
    return twin_folder(tmp_path / "model").path


def call(*arguments):
    result = CliRunner().invoke(angioedge, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def pretend(monkeypatch, ms_of):
    """Settings take what a function of them says; returns what was timed, in order."""
    timed = []

    def took(_, setting, frames):
        timed.append((setting.precision, setting.threads))
        return ms_of(setting)

    monkeypatch.setattr(command, "_inference_ms", took)
    return timed


def chosen(model):
    tuning, reason = read_tuning(ModelFolder.open(model))
    assert not reason
    return tuning.chosen


def test_what_is_timed_is_recorded_and_run_from_then_on(model):
    told = call("tune", model, "--rounds", 1, "--frames", 2)
    assert told.exit_code == 0
    assert "chosen" in told.output
    record = json.loads((model / FILE).read_text())
    assert len(record["measured"]) == 4
    assert all(item["median_ms"] > 0 for item in record["measured"])
    with Session(model) as session:
        assert session.precision == record["chosen"]["precision"]


def test_the_settings_take_turns(model, monkeypatch):
    timed = pretend(monkeypatch, lambda _: 10.0)
    call("tune", model, "--rounds", 3)
    once = [("fp32", 1), ("fp32", 2), ("int8", 1), ("int8", 2)]
    assert timed == once * 3


def test_the_fastest_is_chosen_with_its_numbers(model, monkeypatch):
    pretend(monkeypatch, lambda s: (40.0 if s.precision == "int8" else 59.0) / s.threads)
    said = call("tune", model).output
    assert chosen(model) == Setting(precision="int8", library="onnxruntime", threads=2)
    sentence = (
        "int8 on onnxruntime, threads: 2 takes 20.00 ms, fp32 on onnxruntime, threads: 2 29.50 ms."
    )
    assert sentence in " ".join(said.split())
    shown = call("info", model).output
    assert "20.00" in shown
    assert "29.50" in shown


def test_a_tie_goes_to_fp32_and_to_fewer_threads(model, monkeypatch):
    pretend(monkeypatch, lambda s: 19.5 if s.precision == "int8" else 20.0)
    call("tune", model)
    assert chosen(model) == Setting(precision="fp32", library="onnxruntime", threads=1)


def test_int8_that_is_slower_is_not_chosen(model, monkeypatch):
    pretend(monkeypatch, lambda s: 30.0 if s.precision == "int8" else 20.0)
    assert "fp32" in call("tune", model).output
    assert chosen(model).precision == "fp32"


def test_the_hopeless_are_timed_once(model, monkeypatch):
    timed = pretend(monkeypatch, lambda s: 41.0 if s.precision == "int8" else 20.0)
    call("tune", model, "--rounds", 3)
    assert timed.count(("int8", 1)) == 1
    assert timed.count(("fp32", 1)) == 3


def test_one_slow_round_decides_nothing(model, monkeypatch):
    rounds = iter([10.0, 11.0, 12.0, 12.0, 500.0, 11.0, 12.0, 12.0, 10.0, 11.0, 12.0, 12.0])
    pretend(monkeypatch, lambda _: next(rounds))
    call("tune", model, "--rounds", 3)
    assert chosen(model) == Setting(precision="fp32", library="onnxruntime", threads=1)


def test_what_fails_is_left_out_with_its_reason(model, monkeypatch):
    def ms_of(setting):
        if setting.precision == "int8":
            raise BackendError("golden frame 0 differs")
        return 10.0

    timed = pretend(monkeypatch, ms_of)
    record = json.loads(call("tune", model, "--json", "--rounds", 2).output)
    assert record["left_out"]["int8 on onnxruntime, threads: 1"] == "golden frame 0 differs"
    assert timed.count(("int8", 1)) == 1


def test_where_nothing_runs_nothing_is_recorded(model, monkeypatch):
    def ms_of(_):
        raise BackendError("no luck")

    pretend(monkeypatch, ms_of)
    with pytest.raises(BackendError, match=r"runs on this machine.*no luck"):
        call("tune", model)
    assert not (model / FILE).exists()


def test_a_graph_that_is_not_certified_takes_no_part(tmp_path, monkeypatch):
    model = twin_folder(tmp_path / "model", certified=False).path
    timed = pretend(monkeypatch, lambda _: 1.0)
    record = json.loads(call("tune", model, "--json").output)
    assert {precision for precision, _ in timed} == {"fp32"}
    assert "not certified" in record["left_out"]["int8"]


def test_a_library_that_is_missing_is_left_out_and_named(tmp_path, monkeypatch):
    model = twin_folder(tmp_path / "model").path
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "sdk.backends.openvino", raising=False)
    pretend(monkeypatch, lambda _: 1.0)
    record = json.loads(call("tune", model, "--json").output)
    assert "pip install" in record["left_out"]["openvino"]
    assert set(record["versions"]) == {"onnxruntime"}


def test_info_says_that_a_choice_is_ignored(model, monkeypatch):
    pretend(monkeypatch, lambda _: 1.0)
    call("tune", model)
    record = json.loads((model / FILE).read_text())
    (model / FILE).write_text(json.dumps(record | {"machine": {"processor": "Z80", "cores": "1"}}))
    assert "ignored: it was measured on Z80" in " ".join(call("info", model).output.split())


def test_what_a_device_has_only_queued_is_waited_for(model, monkeypatch):
    class Queueing(ReplayBackend):
        def finish(self):
            time.sleep(0.005)

    queueing = Queueing([], [{"vessels": np.zeros(1)}])
    monkeypatch.setattr(command, "open_ready", lambda *_: queueing)
    assert command._inference_ms(ModelFolder.open(model), Setting(), 3) >= 5


@pytest.mark.parametrize(("cores", "counts"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6])])
def test_thread_counts_double_up_to_every_core(cores, counts):
    assert command._thread_counts(cores) == counts
