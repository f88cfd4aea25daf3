"""Two processes train as one does: gloo on a CPU, started by torchrun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_training
import torch
from safetensors.torch import load_file
from small_training import SmallNet, SmallRecipe, WholeBatch

from training.recipes import curves
from training.recipes.processes import Processes, join

ROOT = Path(__file__).resolve().parents[3]


def torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs two processes; a wrong decision of one would leave the other waiting."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=900,
        check=True,
    )


def trained(out: Path, norm: str, steps: int) -> Path:
    out.mkdir()
    torchrun(small_training.__file__, str(out), norm, str(steps))
    return out


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "draw", lambda _: None)


@pytest.mark.slow
def test_two_halves_of_a_batch_make_the_step_of_the_whole(tmp_path: Path) -> None:
    two = trained(tmp_path / "two", "group", 4)
    (tmp_path / "one").mkdir()
    alone = WholeBatch(SmallRecipe(), tmp_path / "one")
    alone.run()
    expected = load_file(tmp_path / "one" / "last.safetensors")
    found = load_file(two / "last.safetensors")
    assert found.keys() == expected.keys()
    moved = SmallNet("group").double().state_dict()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-9, atol=1e-11, msg=name)
    assert found["network.seldom"] != moved["seldom"]
    assert found["network.never"] == moved["never"]  # not even decayed
    losses = [curves.read(folder / curves.STEPS)["loss"] for folder in (two, tmp_path / "one")]
    np.testing.assert_allclose(*losses, rtol=1e-9)


@pytest.mark.slow
def test_running_statistics_are_those_of_both_halves(tmp_path: Path) -> None:
    """On a CPU each process normalises by its own half; the means over both are kept."""
    two = trained(tmp_path / "two", "batch", 1)
    first, second = (load_file(two / f"rank{rank}.safetensors") for rank in range(2))
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    (tmp_path / "one").mkdir()
    alone = WholeBatch(SmallRecipe(norm="batch", steps=1), tmp_path / "one")
    alone.run()
    torch.testing.assert_close(first["norm.running_mean"], alone.network.norm.running_mean)


def test_the_first_process_draws_what_one_alone_draws() -> None:
    alone = np.random.default_rng([7, 11]).random(4)
    first, second = (Processes(rank=r, count=2).generator(7, 11).random(4) for r in range(2))
    assert np.array_equal(first, alone)
    assert not np.array_equal(second, alone)


def test_a_batch_is_shared_evenly_or_not_at_all() -> None:
    assert [Processes(rank=r, count=4).share(12) for r in range(4)] == [3] * 4
    with pytest.raises(ValueError, match="multiple of 4"):
        Processes(count=4).share(6)


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert join("cuda") == Processes(rank=0, count=1)
