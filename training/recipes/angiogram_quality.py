"""The recipe of the angiogram quality network: crops of phantoms first, then whole frames."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.datasets.angiogram_pool import UNGRADED, AngiogramPool, cached
from training.datasets.picture_pairs import angiogram_pairs
from training.evaluation import Predict, by_folder, by_torch, evaluate
from training.leakage import leakage_accuracy
from training.losses.angiogram_quality import LossWeights
from training.networks.angiogram_quality import AngiogramQualityConfig, AngiogramQualityNet
from training.recipes.checkpoint import load_weights
from training.recipes.halves import bfloat16_is_fast
from training.recipes.loop import REPORT, WEIGHTS, open_folder
from training.recipes.trainer import Trainer

if TYPE_CHECKING:
    from typing import Any

LEAKAGE_FRAMES = 3000
"""Training phantoms that the leakage control learns from."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One part of the training."""

    share: float
    """Part of the whole training."""
    side: int
    """Side of the input in pixels: the pool's size, or smaller for crops."""
    batch: int
    """Inputs per step."""


@dataclass(frozen=True, kw_only=True)
class AngiogramQualityRecipe:
    """Every number of the training."""

    network: AngiogramQualityConfig = field(default_factory=AngiogramQualityConfig)
    """Shape of the network."""
    stages: tuple[Stage, ...] = (
        Stage(share=0.35, side=256, batch=8),
        Stage(share=0.65, side=512, batch=8),
    )
    """Crops at full resolution for the vessels, then whole frames for the grade as well."""
    steps: int = 4500
    """Optimiser steps, unless the time is limited instead."""
    training_frames: int = 6000
    """Phantoms to train on."""
    validation_frames: int = 96
    """Phantoms that choose the checkpoint."""
    test_frames: int = 480
    """Held-out phantoms, seen once, after the training."""
    training_seed: int = 21_000_000
    """Seed of the first training phantom."""
    validation_seed: int = 22_000_000
    """Seed of the first validation phantom."""
    test_seed: int = 23_000_000
    """Seed of the first held-out phantom."""
    seed: int = 7
    """Seed of the weights and of the order of the batches."""
    learning_rate: float = 2e-3
    """Highest learning rate."""
    attention_rate: float = 0.1
    """Learning rate of the attention blocks as a fraction of the others'."""
    head_rate: float = 1.0
    """Learning rate of the classifier and of the auxiliary head as a fraction of the others'."""
    final_rate: float = 0.01
    """Last learning rate as a fraction of the highest."""
    warm_up_steps: int = 60
    """Steps of the linear warm-up."""
    weight_decay: float = 1e-2
    """AdamW's decay."""
    gradient_clip: float = 2.0
    """Largest norm of the gradient."""
    average_decay: float = 0.99
    """Decay per step of the averaged weights, which are the ones that are kept."""
    detached_share: float = 0.05
    """First part of the training in which the grade sends no gradient into the vessels."""
    loss: LossWeights = field(default_factory=LossWeights)
    """Weights of the joint loss."""
    validate_every_s: float = 300.0
    """Seconds between validations."""
    phantoms: str | None = None
    """Folder that keeps the phantoms for several trainings; by default each keeps its own."""
    threads: int = 2
    """Threads that a layer is computed with."""
    workers: int = 2
    """Processes that generate phantoms before the training."""
    bfloat16: bool | None = None
    """Run the network's forward and backward pass in bfloat16 where it is safe; None: if the
    device is fast with it."""
    device: str = "cpu"
    """Where torch computes, such as ``cuda``."""
    data: str | None = None
    """Folder of pictures with masks to train on in the place of phantoms."""

    def seeds(self, part: str) -> range:
        """Seeds of the `training`, `validation` or `test` phantoms; the three never meet."""
        first: int = getattr(self, f"{part}_seed")
        count: int = getattr(self, f"{part}_frames")
        return range(first, first + count)

    def in_bfloat16(self) -> bool:
        """Whether the passes run in bfloat16."""
        return bfloat16_is_fast(self.device) if self.bfloat16 is None else self.bfloat16

    def pool(self, part: str, out: Path) -> AngiogramPool:
        """The pictures of `data`, or phantoms, made once.

        Phantoms are kept in `out` unless the recipe names a folder.
        """
        if self.data is not None:
            return angiogram_pairs(Path(self.data), part, self.network.size)
        folder = Path(self.phantoms) if self.phantoms else out
        return cached(folder, self.seeds(part), self.network.size, workers=self.workers)


def train(
    recipe: AngiogramQualityRecipe, out: Path, *, minutes: float | None = None, resume: bool = False
) -> Path:
    """Train into a folder and return the path of the best weights.

    Raises:
        FileExistsError: the folder holds a training and `resume` was not asked for.
    """
    open_folder(recipe, out, resume=resume)
    trainer = Trainer(recipe, out, minutes)
    if resume:
        trainer.resume()
    trainer.run()
    return out / WEIGHTS


def report(recipe: AngiogramQualityRecipe, out: Path) -> dict[str, Any]:
    """Score the best weights of a folder on held-out phantoms, beside the leakage control."""
    network = AngiogramQualityNet(recipe.network)
    notes = load_weights(out / WEIGHTS, network)
    scores = _scores(recipe, by_torch(network, recipe.network.size), out)
    numbers = {"steps": notes["state"]["step"], **scores}
    (out / REPORT).write_text(json.dumps(numbers, indent=2))
    return numbers


def score_folder(
    recipe: AngiogramQualityRecipe, folder: Path, out: Path, precision: str = "fp32"
) -> dict[str, Any]:
    """The same scores for a graph of a model folder; the phantoms are kept in `out`.

    Raises:
        ModelFolderError: the folder is damaged or foreign, or has no such precision.
    """
    return _scores(recipe, by_folder(folder, precision), out)


def _statistics_alone(recipe: AngiogramQualityRecipe, out: Path) -> dict[str, Any] | None:
    """How well a grade is told without looking at vessels; None where grades are missing."""
    frames = min(recipe.training_frames, LEAKAGE_FRAMES)
    training = replace(recipe, training_frames=frames).pool("training", out)
    test = recipe.pool("test", out)
    if UNGRADED in training.grades or UNGRADED in test.grades:
        return None
    return {
        "logistic_regression": asdict(leakage_accuracy(training, test, hidden=0)),
        "perceptron": asdict(leakage_accuracy(training, test)),
    }


def _scores(recipe: AngiogramQualityRecipe, predict: Predict, out: Path) -> dict[str, Any]:
    """Every frame counts, whatever its grade; Dice is against the whole tree inside the field."""
    test = recipe.pool("test", out)
    return {
        "data": "phantoms" if recipe.data is None else f"pictures of {Path(recipe.data).name}",
        "frames": len(test),
        **evaluate(predict, test).as_dict(test),
        "statistics_only_accuracy": _statistics_alone(recipe, out),
    }
