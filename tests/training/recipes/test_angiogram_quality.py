"""A training can be interrupted, resumed and repeated."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from picture_folders import picture_folder
from safetensors.torch import load_file

from training.networks.angiogram_quality import AngiogramQualityConfig, AngiogramQualityNet
from training.recipes.angiogram_quality import AngiogramQualityRecipe, Stage, report, train
from training.recipes.checkpoint import load_weights
from training.recipes.trainer import Trainer

if TYPE_CHECKING:
    from pathlib import Path

TINY = AngiogramQualityRecipe(
    network=AngiogramQualityConfig(
        size=256,
        widths=(16, 16, 16, 64, 64),
        depths=(1, 1, 1, 1, 1),
        attentions=(1, 1),
        decoder=(8, 8, 8, 8),
        hidden=8,
    ),
    stages=(
        Stage(share=0.5, side=256, batch=2),
        Stage(share=0.5, side=256, batch=4),
    ),
    steps=4,
    training_frames=3,
    validation_frames=3,
    workers=1,
    warm_up_steps=1,
    validate_every_s=1e9,
    bfloat16=False,
)


def test_a_resumed_training_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    train(TINY, tmp_path / "whole")
    interrupted = Trainer(TINY, tmp_path / "parts", minutes=None)
    interrupted.run(until_step=2)
    train(TINY, tmp_path / "parts", resume=True)
    whole, parts = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=1e-5, atol=1e-6, msg=name)


def test_best_weights_load_into_a_fresh_network_and_say_how_they_came(tmp_path: Path) -> None:
    best = train(replace(TINY, steps=2), tmp_path)
    network = AngiogramQualityNet(TINY.network)
    notes = load_weights(best, network)
    assert notes["state"]["step"] == 2
    assert notes["recipe"]["training_seed"] == TINY.training_seed
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["2"]


def test_refuses_to_overwrite_a_training(tmp_path: Path) -> None:
    train(replace(TINY, steps=1), tmp_path)
    with pytest.raises(FileExistsError, match="resume"):
        train(replace(TINY, steps=1), tmp_path)


def test_refuses_to_resume_what_was_not_begun(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="without resume"):
        train(replace(TINY, steps=1), tmp_path / "new", resume=True)
    assert not (tmp_path / "new").exists()


def test_the_learning_rate_warms_up_and_falls(tmp_path: Path) -> None:
    recipe = replace(TINY, steps=100, warm_up_steps=10)
    trainer = Trainer(recipe, tmp_path, minutes=None)
    rates = []
    for step in range(100):
        trainer.state.step = step
        rates.append(trainer.rate())
    assert rates.index(max(rates)) in range(8, 12)
    assert rates[0] < 0.2 * max(rates)
    assert rates[-1] < 0.05 * max(rates)


def test_every_parameter_learns_at_one_rate(tmp_path: Path) -> None:
    trainer = Trainer(TINY, tmp_path, minutes=None)
    groups = trainer.optimiser.param_groups
    learned = [id(entry) for group in groups for entry in group["params"]]
    assert len(learned) == len(set(learned))
    assert set(learned) == {id(entry) for entry in trainer.supervised.parameters()}


def test_the_hidden_layer_of_the_classifier_stays_alive(tmp_path: Path) -> None:
    trainer = Trainer(replace(TINY, steps=8), tmp_path, minutes=None)
    trainer.run()
    network = trainer.network.eval()
    with torch.no_grad():
        description = network.describe(torch.from_numpy(trainer.pool.whole(np.arange(3)).inputs))[1]
        hidden = network.classifier[:2](description)
    assert float((hidden > 0).float().mean()) > 0.1


def test_seeds_of_the_three_parts_never_meet() -> None:
    parts = [AngiogramQualityRecipe().seeds(part) for part in ("training", "validation", "test")]
    assert len(set().union(*parts)) == sum(map(len, parts))


def test_a_report_scores_the_held_out_phantoms(tmp_path: Path) -> None:
    recipe = replace(TINY, steps=1, test_frames=6)
    train(recipe, tmp_path)
    numbers = report(recipe, tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text()) == numbers
    assert (numbers["frames"], numbers["data"]) == (6, "phantoms")
    assert np.sum(numbers["confusion"]) == 6
    assert numbers["accuracy"]["low"] <= numbers["accuracy"]["value"]


@pytest.mark.parametrize("graded", [True, False])
def test_pictures_with_masks_take_the_place_of_phantoms(tmp_path: Path, *, graded: bool) -> None:
    data = picture_folder(tmp_path / "ours", graded=graded)
    recipe = replace(TINY, steps=1, data=str(data))
    train(recipe, tmp_path / "run")
    numbers = report(recipe, tmp_path / "run")
    assert (numbers["data"], numbers["frames"]) == ("pictures of ours", 2)
    assert (numbers["accuracy"] is not None) is graded
    assert (numbers["statistics_only_accuracy"] is not None) is graded
    assert numbers["of_deciding_axis"] == {}
