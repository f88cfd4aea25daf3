"""One command line for every recipe: its fields, its data, several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from picture_folders import dias_folder, picture_folder
from safetensors.torch import load_file

from training import __main__ as command
from training.recipes import angiogram_quality, artery_training, microbleed_training
from training.recipes.artery_sequence import ScribbleRecipe
from training.recipes.curves import CURVES, LOG, STEPS
from training.recipes.microbleed_detection import DetectorRecipe, RegionsRecipe

ROOT = Path(__file__).resolve().parents[2]
SHAPE = ["network.widths=[4,4,6,8]", "network.stride=1", "network.decoder=plain"]
ARTERY = [*SHAPE, "size=64", "side=32", "frames=2", "batch=2", "steps=2", "threads=1"]


def settings(*values: str) -> list[str]:
    return [text for value in values for text in ("--set", value)]


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a command would train, by the keyword arguments and the recipe; nothing is trained."""
    seen: dict[str, Any] = {}

    def train(recipe: Any, out: Path, **options: Any) -> Path:
        seen.update(options, recipe=recipe, out=out)
        return out / "best.safetensors"

    for module in (angiogram_quality, artery_training, microbleed_training):
        monkeypatch.setattr(module, "train", train)
    return seen


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["angiogram_quality"], "angiogram_quality"),
        (["artery_sequence", "--by", "scribbles"], "artery_sequence"),
        (["microbleed_detection", "detector"], "microbleed_detection/detector"),
        (["microbleed_detection", "regions"], "microbleed_detection/regions"),
    ],
)
def test_every_recipe_takes_the_same_options(
    arguments: list[str], folder: str, chosen: dict[str, Any]
) -> None:
    command.main(
        [*arguments, "--minutes", "2", "--resume", "--data", "ours", *settings("seed=9", "steps=5")]
    )
    recipe = chosen["recipe"]
    assert (recipe.seed, recipe.steps, recipe.data) == (9, 5, "ours")
    assert (chosen["minutes"], chosen["resume"]) == (2.0, True)
    assert chosen["out"] == Path("runs") / folder


def test_the_words_of_old_for_microbleeds_still_hold(chosen: dict[str, Any]) -> None:
    short = ["--without-fusion", "--without-hard-samples", "--side", "32", "--training-count", "8"]
    command.main(["microbleed_detection", "detector", *short, "--phantoms", "kept", "--batch", "2"])
    recipe = chosen["recipe"]
    assert isinstance(recipe, DetectorRecipe)
    assert not recipe.network.fusion
    assert not recipe.hard_samples
    assert (recipe.side, recipe.training_count, recipe.batch) == (32, 8, 2)
    assert recipe.phantoms == "kept"
    command.main(["microbleed_detection", "regions", "--out", "there"])
    assert chosen["recipe"] == RegionsRecipe()
    assert chosen["out"] == Path("there")


def test_the_supervision_chooses_the_recipe(chosen: dict[str, Any]) -> None:
    command.main(["artery_sequence", "--by", "scribbles", "--teacher", "weights"])
    assert isinstance(chosen["recipe"], ScribbleRecipe)
    assert chosen["teacher"] == Path("weights")


def trained(out: Path, *arguments: str) -> Path:
    command.main(["artery_sequence", "--out", str(out), *arguments, *settings(*ARTERY)])
    return out


def test_a_flat_network_learns_from_pictures_with_masks(tmp_path: Path) -> None:
    data = picture_folder(tmp_path / "ours")
    options = ["--data", str(data), *settings("flat=true", "input=minimum")]
    out = trained(tmp_path / "run", *options)
    assert {path.name for path in out.iterdir()} >= {LOG, STEPS, CURVES, "last.safetensors"}
    trained(out, *options, "--report")
    numbers = json.loads((out / "metrics.json").read_text())
    assert (numbers["data"], numbers["sequences"]) == ("sequences of ours", 2)


def test_dias_is_a_folder_to_train_on(tmp_path: Path) -> None:
    data = dias_folder(tmp_path / "DIAS", scribbles=True)
    for name in ("full", "scribbles"):
        trained(tmp_path / name, "--by", name, "--data", str(data))
    few = settings("labelled=2", "rounds=1")
    trained(tmp_path / "rounds", "--by", "self_training", "--data", str(data), *few)
    assert (tmp_path / "rounds" / "best.safetensors").is_file()


@pytest.mark.parametrize(
    ("name", "message"), [("scribbles", "expected scribbles of both"), ("stream", "single frame")]
)
def test_data_without_the_truth_of_a_recipe_are_refused(
    name: str, message: str, tmp_path: Path
) -> None:
    data = dias_folder(tmp_path / "DIAS")
    with pytest.raises(SystemExit, match=message):
        trained(tmp_path / "run", "--by", name, "--data", str(data))


def test_the_tables_are_written_only_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[bool] = []
    monkeypatch.setattr(command.studies, "results", lambda: written.append(True))
    for arguments, code in ((["--help"], 0), (["--nonsense"], 2)):
        with pytest.raises(SystemExit) as stop:
            command.main(["results", *arguments])
        assert stop.value.code == code
    assert not written
    command.main(["results"])
    assert written


def test_what_does_not_fit_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^angioedge: .*best\.safetensors"):
        trained(tmp_path / "nothing", "--report")
    with pytest.raises(SystemExit, match=r"steps takes a number such as .*, got 'abc'"):
        trained(tmp_path / "run", *settings("steps=abc"))
    assert not (tmp_path / "run").exists()


def test_self_training_needs_sequences_without_masks(tmp_path: Path) -> None:
    data = picture_folder(tmp_path / "ours")
    few = settings("labelled=3", "input=last")
    with pytest.raises(SystemExit, match="more sequences than the 3 labelled"):
        trained(tmp_path / "run", "--by", "self_training", "--data", str(data), *few)


@pytest.mark.slow
def test_two_processes_train_by_the_same_command(tmp_path: Path) -> None:
    """Phantoms are replaced by pictures; on a CPU, by gloo, with BatchNorm in the network."""
    data, out = picture_folder(tmp_path / "ours"), tmp_path / "run"
    options = ["--data", str(data), "--out", str(out), *settings(*ARTERY, "input=last")]
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*run, "-m", "training", "artery_sequence", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=True,
    )
    assert done.stdout.count("best weights") == 1
    assert done.stdout.count("step 2: DSC") == 1
    kept = {name.split(".")[0] for name in load_file(out / "last.safetensors")}
    assert kept == {"network0", "average", "optimiser"}
