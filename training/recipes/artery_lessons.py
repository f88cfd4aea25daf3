"""What a step of each artery recipe does: networks, batches, loss and validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from training.datasets.sequence_augmentation import photometric, strong
from training.datasets.sequence_pool import SequenceBatch, SequencePool, batch_of, draw
from training.losses.artery_sequence import distillation_loss, scribble_loss, segmentation_loss
from training.networks.artery_sequence import VssNet
from training.networks.artery_stream import StreamingVssNet
from training.recipes.checkpoint import load_weights
from training.recipes.loop import Loop, Validation, begin
from training.sequence_evaluation import by_patches, score_pool, summary, whole_frames

if TYPE_CHECKING:
    from pathlib import Path

    from training.recipes.artery_sequence import (
        ScribbleRecipe,
        SelfTrainingRecipe,
        SequenceRecipe,
        StreamRecipe,
    )
    from training.sequence_evaluation import Predict


class Lesson(Loop[SequenceBatch]):
    """Full supervision; the other recipes differ in their batches and losses."""

    def __init__(
        self,
        recipe: SequenceRecipe,
        out: Path,
        minutes: float | None = None,
        pool: SequencePool | None = None,
    ) -> None:
        """Takes the sequences to train on, phantoms kept in `out` unless given."""
        begin(recipe)
        self.recipe = recipe
        self.learners = [network.to(recipe.device) for network in self.fresh()]
        parameters = [entry for network in self.learners for entry in network.parameters()]
        super().__init__(
            recipe, out, minutes, self.learners[0], optimiser_of(parameters, recipe.weight_decay)
        )
        once = self.processes.once
        self.pool = pool or once(lambda: recipe.pool("training", out))
        self.validation = once(lambda: recipe.pool("validation", out))

    def fresh(self) -> list[nn.Module]:
        """The networks that learn; the first one answers."""
        return [self.recipe.make()]

    def networks(self) -> dict[str, nn.Module]:
        """The networks that learn."""
        return {f"network{index}": network for index, network in enumerate(self.learners)}

    def draw(self, rng: np.random.Generator, stage: Any) -> SequenceBatch:  # noqa: ARG002
        """Random crops."""
        plan = self.recipe
        count = self.share(plan.batch)
        return batch_of(draw(self.pool, rng, count=count, frames=plan.frames, side=plan.side))

    def loss(self, batch: SequenceBatch) -> Tensor:
        """Cross-entropy and Dice against the union."""
        answer = self.learners[0].train()(self.tensor(batch.sequences))
        return segmentation_loss(answer, self.tensor(batch.union))

    def validate(self) -> Validation:
        """Dice of whole sequences decides."""
        table = summary(score_pool(predictor(self.recipe, self.average), self.validation))
        dsc, cldice = table["dsc"], table["cldice"]
        return Validation(
            score=dsc["value"],
            numbers={"dsc": dsc["value"], "cldice": cldice["value"]},
            text=f"DSC {dsc['value']:.3f}, clDice {cldice['value']:.3f}",
        )

    def tensor(self, array: np.ndarray[Any, Any]) -> Tensor:
        """An array where the networks are."""
        return torch.from_numpy(array).to(self.recipe.device)


class ScribbleLesson(Lesson):
    """SSCR: two networks see two photometric versions and teach each other."""

    recipe: ScribbleRecipe

    def fresh(self) -> list[nn.Module]:
        """Two of one shape with different weights."""
        return [self.recipe.make(), self.recipe.make()]

    def draw(self, rng: np.random.Generator, stage: Any) -> SequenceBatch:  # noqa: ARG002
        """The same crops twice, one behind the other, each in its own photometric version."""
        plan = self.recipe
        count = self.share(plan.batch)
        crops = draw(self.pool, rng, count=count, frames=plan.frames, side=plan.side)
        batch = batch_of(crops, plan.kind)
        versions = [photometric(rng, crop.inputs) for _ in range(2) for crop in crops]
        return SequenceBatch(**{**vars(batch), "sequences": np.stack(versions)})

    def loss(self, batch: SequenceBatch) -> Tensor:
        """Of both networks together."""
        versions = self.tensor(batch.sequences).chunk(2)
        first, second = (
            network.train()(version)
            for network, version in zip(self.learners, versions, strict=True)
        )
        return scribble_loss(first, second, self.tensor(batch.scribbles), self.recipe.weights)


class SelfTrainingLesson(Lesson):
    """One round of RPST: crops of labelled and of pseudo-labelled sequences, mixed at random."""

    recipe: SelfTrainingRecipe
    pseudo: SequencePool | None = None
    """Unlabelled sequences with a teacher's masks; none for the first teacher."""

    def draw(self, rng: np.random.Generator, stage: Any) -> SequenceBatch:
        """Random patch mix."""
        if self.pseudo is None:
            return super().draw(rng, stage)
        plan = self.recipe
        crops = []
        for from_pseudo in rng.random(self.share(plan.batch)) < plan.pseudo_share:
            pool = self.pseudo if from_pseudo else self.pool
            (crop,) = draw(pool, rng, count=1, frames=plan.frames, side=plan.side)
            crops.append(strong(rng, crop) if from_pseudo and plan.strong else crop)
        # What is filled in a frame is known of labelled crops alone, and not used here.
        return batch_of([without_frame_truth(crop) for crop in crops])


class StreamLesson(Lesson):
    """Prefixes of random length: what has been seen so far, what is filled, what a teacher says."""

    recipe: StreamRecipe
    teacher: VssNet | None = None

    def fresh(self) -> list[nn.Module]:
        """The streaming network."""
        return [StreamingVssNet(self.recipe.network)]

    def take_teacher(self, weights: Path) -> None:
        """Loads the trained VSS-Net."""
        self.teacher = VssNet(self.recipe.teacher).to(self.recipe.device).eval()
        self.teacher.requires_grad_(requires_grad=False)
        load_weights(weights, self.teacher)
        if self.recipe.begin_as_teacher and not self.state.step:
            for network in (*self.learners, self.average):
                cast("StreamingVssNet", network).begin_as(self.teacher)

    def loss(self, batch: SequenceBatch) -> Tensor:
        """After a frame in the middle and after the last one."""
        sequences = self.tensor(batch.sequences)
        middle = int(self.state.step * GOLDEN_RATIO % 1 * (sequences.shape[1] - 1))
        at = (middle, sequences.shape[1] - 1)
        outputs = self.learners[0].train()(sequences, at)
        so_far, filled = (self.tensor(t)[:, at] for t in (batch.so_far, batch.filled))
        weights = self.recipe.weights
        loss = weights.filled * segmentation_loss(outputs.filled, filled)
        if self.teacher is None:
            return loss + segmentation_loss(outputs.arteries, so_far)
        with torch.no_grad():
            taught = torch.cat([self.teacher(sequences[:, : last + 1]) for last in at], 1)
        return loss + distillation_loss(outputs.arteries, taught, so_far, weights.teacher)


GOLDEN_RATIO = 0.6180339887498949
"""Its multiples modulo 1 spread evenly: every length of a prefix comes up, whatever is resumed."""


def without_frame_truth(crop: Any) -> Any:
    """A sequence of which the union alone is known."""
    empty = {name: getattr(crop, name)[:0] for name in ("filled", "so_far", "scribbles")}
    return type(crop)(**{**vars(crop), **empty})


def optimiser_of(parameters: list[nn.Parameter], decay: float) -> torch.optim.Optimizer:
    """AdamW that decays weights and leaves biases and scales alone, as published."""
    return torch.optim.AdamW(
        [
            {"params": [entry for entry in parameters if entry.ndim > 1], "weight_decay": decay},
            {"params": [entry for entry in parameters if entry.ndim <= 1], "weight_decay": 0.0},
        ]
    )


def predictor(recipe: SequenceRecipe, network: nn.Module) -> Predict:
    """How a network of a recipe answers on a sequence."""
    answer = by_patches if recipe.by_patches else whole_frames
    return lambda inputs: answer(network, inputs)
