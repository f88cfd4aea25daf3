"""The benchmark of the next frame measures every contestant, here on small frames."""

import json

import numpy as np
import pytest

from benchmarks import bench_sequence
from benchmarks.sequence_contestants import CONTESTANTS, Script, Setting, frames_of
from training.networks.artery_sequence import VssNet
from training.networks.artery_stream import SHIPPED, StreamingVssNet
from training.preprocess import sequence_input

SIZE, FRAMES = 64, 3


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    """Untrained networks, even where a shipped one is there."""
    return bench_sequence.prepare(tmp_path_factory.mktemp("sequence"), SIZE, FRAMES)


def test_every_contestant_answers_on_the_whole_frame(setting):
    for name, make in CONTESTANTS.items():
        contestant = make(setting)
        answer = contestant()
        mask = answer if isinstance(answer, np.ndarray) else answer.vessels.mask
        assert mask.shape == (SIZE, SIZE), name
        assert contestant.network_ms[-1] > 0


def test_scripts_see_what_the_session_sees(setting):
    """But for the place of the window's percentiles: of all pixels, not of a grid."""
    seen = []
    script = Script(setting, lambda x: seen.append(x.copy()) or x[None], whole=True)
    script()
    expected = sequence_input(frames_of(setting), SIZE)
    assert seen[0].shape == expected.shape
    assert np.abs(seen[0] - expected).mean() < 0.05


def test_recompute_costs_more_the_longer_the_run(setting):
    short, long = (
        bench_sequence.cost(Setting(**{**vars(setting), "frames": count})) for count in (4, 8)
    )
    assert short["step"] == long["step"]
    assert 1.8 < long["whole"] / short["whole"] < 2.0  # the decoder runs once
    assert long["whole"] > 4 * long["step"]


def test_untrained_networks_have_the_shape_that_is_shipped():
    assert StreamingVssNet().config == VssNet(SHIPPED).config == SHIPPED


def test_the_table_is_written(setting, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench_sequence, "prepare", lambda *_: setting)
    monkeypatch.setattr(bench_sequence, "_apart", lambda *_: 1.0)
    path = tmp_path / "out" / "sequence.json"
    options = ["--size", str(SIZE), "--frames", str(FRAMES), "--repeats", "1"]
    bench_sequence.main([*options, "--json", str(path)])
    printed, content = capsys.readouterr().out, json.loads(path.read_text())
    assert content["network"].startswith("untrained")
    assert [line["name"] for line in content["lines"]] == list(CONTESTANTS)
    for line in content["lines"]:
        assert line["name"] in printed
        assert line["milliseconds"] >= line["network_ms"] > 0


@pytest.mark.slow
def test_memory_is_measured_in_a_process_of_its_own(setting):
    assert bench_sequence._apart("session, streaming step", setting) > 0
