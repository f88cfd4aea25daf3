"""Every artery recipe trains, resumes and is scored; smoke tests with tiny networks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from training.__main__ import changed
from training.networks.artery_projection import ProjectionNet, ReducedInput
from training.networks.artery_sequence import VssNet
from training.networks.artery_stream import StreamingVssNet
from training.networks.sequence_blocks import SequenceConfig
from training.recipes.artery_lessons import ScribbleLesson, SelfTrainingLesson, StreamLesson
from training.recipes.artery_sequence import PUBLISHED, RECIPES, SequenceRecipe
from training.recipes.artery_training import report, train
from training.recipes.checkpoint import load_weights
from training.sequence_evaluation import by_patches, whole_frames

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = SequenceConfig(widths=(4, 4, 6, 8), norm="batch", dropout=0.0, decoder="plain")
SMALL: dict[str, Any] = {
    "network": SHAPE,
    "frames": 3,
    "side": 32,
    "batch": 2,
    "steps": 2,
    "size": 256,
    "training_sequences": 4,
    "validation_sequences": 1,
    "test_sequences": 2,
    "warm_up_steps": 1,
    "validate_every_s": 1e9,
    "threads": 1,
    "workers": 1,
}
TINY: dict[str, Any] = {name: replace(RECIPES[name], **SMALL) for name in RECIPES}
TINY["stream"] = replace(TINY["stream"], network=SHAPE, teacher=SHAPE, batch=1, steps=3)
TINY["self_training"] = replace(TINY["self_training"], labelled=1, rounds=1)


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the phantoms, made once."""
    folder = tmp_path_factory.mktemp("pools")
    train(replace(TINY["full"], steps=1), folder / "full")
    return folder / "full"


@pytest.fixture
def out(pools: Path, tmp_path: Path) -> Path:
    """A folder for a training that finds the phantoms there."""
    for path in pools.glob("sequences-*"):
        (tmp_path / path.name).symlink_to(path)
        for number in range(2):
            (tmp_path / f"round{number}").mkdir(exist_ok=True)
            (tmp_path / f"round{number}" / path.name).symlink_to(path)
    return tmp_path


@pytest.mark.parametrize("name", ["full", "scribbles", "self_training"])
def test_a_recipe_ends_with_weights_that_load_and_scores(name: str, out: Path) -> None:
    best = train(TINY[name], out)
    assert load_weights(best, VssNet(SHAPE))["recipe"]["steps"] == 2
    if name == "full":
        numbers = report(TINY[name], out)
        assert json.loads((out / "metrics.json").read_text()) == numbers
        assert numbers["sequences"] == 2
        assert 0 <= numbers["dsc"]["low"] <= numbers["dsc"]["value"] <= numbers["dsc"]["high"] <= 1


def test_the_stream_is_taught_and_scored_frame_by_frame(out: Path, pools: Path) -> None:
    recipe = TINY["stream"]
    train(recipe, out, teacher=pools / "best.safetensors")
    numbers = report(recipe, out)
    assert len(numbers["dice_of_frames"]) >= 4
    network = StreamingVssNet(recipe.network)
    load_weights(out / "best.safetensors", network)


def test_a_student_may_have_another_shape_if_it_begins_afresh(out: Path, pools: Path) -> None:
    other = replace(TINY["stream"], network=replace(SHAPE, stride=2), steps=1)
    with pytest.raises(ValueError, match="teacher of the shape"):
        train(other, out, teacher=pools / "best.safetensors")
    train(replace(other, begin_as_teacher=False), out, teacher=pools / "best.safetensors")


def test_a_resumed_stream_ends_like_an_uninterrupted_one(out: Path) -> None:
    recipe = TINY["stream"]
    StreamLesson(recipe, out).run()
    whole = load_file(out / "last.safetensors")
    parts = out / "round0"
    StreamLesson(recipe, parts).run(until_step=2)
    resumed = StreamLesson(recipe, parts)
    resumed.resume()
    resumed.run()
    for name, tensor in load_file(parts / "last.safetensors").items():
        torch.testing.assert_close(tensor, whole[name], rtol=1e-4, atol=1e-5, msg=name)


def test_self_training_goes_on_in_the_round_that_was_interrupted(out: Path) -> None:
    recipe = TINY["self_training"]
    with pytest.raises(FileNotFoundError, match="start one without resume"):
        train(recipe, out, resume=True)
    best = train(recipe, out)
    whole, over = load_file(best), (out / "round0" / "log.csv").read_text()
    for name in ("last", "best"):
        (out / "round1" / f"{name}.safetensors").unlink()
    with pytest.raises(FileExistsError, match="resume it"):
        train(recipe, out)
    for name, tensor in load_file(train(recipe, out, resume=True)).items():
        torch.testing.assert_close(tensor, whole[name], rtol=1e-4, atol=1e-5, msg=name)
    log = (out / "round1" / "log.csv").read_text()
    assert train(recipe, out, resume=True) == best
    assert (out / "round0" / "log.csv").read_text() == over
    assert (out / "round1" / "log.csv").read_text() == log
    assert "nan" not in over + log


def test_two_networks_see_two_versions_and_both_learn(out: Path) -> None:
    lesson = ScribbleLesson(TINY["scribbles"], out)
    before = [next(network.parameters()).clone() for network in lesson.learners]
    assert not torch.equal(*before)
    batch = lesson.draw(np.random.default_rng(2), None)
    assert len(batch.sequences) == 2 * len(batch.scribbles)
    assert not np.array_equal(*np.split(batch.sequences, 2))
    lesson.run()
    for network, old in zip(lesson.learners, before, strict=True):
        assert not torch.equal(next(network.parameters()), old)


def test_patches_of_both_kinds_are_mixed(out: Path) -> None:
    lesson = SelfTrainingLesson(replace(TINY["self_training"], batch=16, strong=False), out)
    full = np.ones((len(lesson.pool), 256, 256), bool)
    lesson.pseudo = lesson.pool.with_union(full)
    batch = lesson.draw(np.random.default_rng(0), None)
    from_pseudo = int(batch.union.all((1, 2, 3)).sum())
    assert 3 <= from_pseudo <= 13


def test_a_teacher_is_for_the_stream_alone(out: Path) -> None:
    with pytest.raises(ValueError, match="stream alone"):
        train(TINY["full"], out, teacher=out / "best.safetensors")


def test_patches_and_whole_frames_agree_on_what_is_local() -> None:
    """A network that looks at single pixels answers the same either way."""

    class Local(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor(-3.0))

        def forward(self, sequence: torch.Tensor) -> torch.Tensor:
            return self.weight * sequence.amin(1, keepdim=True)

    inputs = np.random.default_rng(0).normal(size=(3, 80, 96)).astype(np.float32)
    np.testing.assert_allclose(
        by_patches(Local(), inputs), whole_frames(Local(), inputs), rtol=1e-5
    )


def test_inputs_choose_the_network() -> None:
    recipe = replace(SequenceRecipe(), network=SHAPE)
    assert isinstance(recipe.make(), VssNet)
    assert isinstance(replace(recipe, input="minimum").make(), ReducedInput)
    assert isinstance(replace(recipe, input="minimum", flat=True).make(), ProjectionNet)
    with pytest.raises(ValueError, match="projection as input of a flat network"):
        replace(recipe, flat=True).make()


def test_seeds_of_the_three_parts_never_meet() -> None:
    parts = [SequenceRecipe().seeds(part) for part in ("training", "validation", "test")]
    assert len(set().union(*parts)) == sum(map(len, parts))


def test_the_published_recipe_stays_available() -> None:
    assert PUBLISHED.network == SequenceConfig()
    assert PUBLISHED.by_patches
    assert (PUBLISHED.side, PUBLISHED.batch) == (64, 64)


def test_fields_of_a_recipe_are_set_by_name() -> None:
    recipe = changed(RECIPES["scribbles"], ["kind=SALE", "weights.pseudo=0", "steps=5"])
    assert (recipe.kind, recipe.weights.pseudo, recipe.steps) == ("SALE", 0, 5)
    widths = changed(RECIPES["full"], ["network.widths=[4,8,16,32]"]).network.widths
    assert widths == (4, 8, 16, 32)
    with pytest.raises(SystemExit, match="got 'kinds=SALE'"):
        changed(RECIPES["scribbles"], ["kinds=SALE"])
