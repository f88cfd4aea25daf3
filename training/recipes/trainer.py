"""The training of the angiogram quality network: its networks, data, loss and validation."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from training.datasets.angiogram_pool import Batch
from training.evaluation import by_torch, evaluate
from training.losses.angiogram_quality import Outputs, Targets, joint_loss
from training.networks.angiogram_quality import AngiogramQualityNet
from training.phantoms.quality import AXES
from training.recipes.loop import Loop, Validation, begin

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import numpy as np

    from training.recipes.angiogram_quality import AngiogramQualityRecipe, Stage


class Trainer(Loop[Batch]):
    """One training of the quality network."""

    def __init__(self, recipe: AngiogramQualityRecipe, out: Path, minutes: float | None) -> None:
        begin(recipe)
        self.recipe = recipe
        self.network = AngiogramQualityNet(recipe.network)
        self.network.to(recipe.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.supervised = _Supervised(self.network).to(recipe.device)
        optimiser = torch.optim.AdamW(
            self.supervised.groups(recipe),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        super().__init__(recipe, out, minutes, self.network, optimiser)
        self.half = recipe.in_bfloat16()
        once = self.processes.once
        self.pool = once(lambda: recipe.pool("training", out))
        self.validation = once(lambda: recipe.pool("validation", out))

    def networks(self) -> dict[str, nn.Module]:
        """The network and its auxiliary head."""
        return {"network": self.network, "head": self.supervised.severities}

    def stage(self) -> Stage:
        """Crops first, then whole frames."""
        end = 0.0
        for stage in self.recipe.stages:
            end += stage.share
            if self.done() < end:
                return stage
        return self.recipe.stages[-1]

    def draw(self, rng: np.random.Generator, stage: Stage) -> Batch:
        """Augmented frames or crops."""
        return self.pool.augmented(rng, self.share(stage.batch), stage.side)

    def loss(self, batch: Batch) -> Tensor:
        """The joint loss."""
        self.supervised.train()
        self.network.set_size(batch.inputs.shape[-1])
        self.network.detach_vessels = self.done() < self.recipe.detached_share
        device = torch.device(self.recipe.device)
        frames = torch.from_numpy(batch.inputs).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.half):
            outputs = self.supervised(frames)
        return joint_loss(outputs, _targets(batch, device), self.recipe.loss)

    def validate(self) -> Validation:
        """Vessels and grades of whole frames; their mean decides, or the vessels alone."""
        size, half = self.recipe.network.size, self.half
        average = cast("AngiogramQualityNet", self.average)
        report = evaluate(by_torch(average, size, bfloat16=half), self.validation)
        numbers: dict[str, float | int] = {"side": self.stage().side, "dice": report.dice.value}
        if report.accuracy is None or report.ordinal_error is None:
            return Validation(score=report.dice.value, numbers=numbers, text=f"dice {report.dice}")
        numbers |= {"accuracy": report.accuracy.value, "ordinal_error": report.ordinal_error}
        return Validation(
            score=(report.dice.value + report.accuracy.value) / 2,
            numbers=numbers,
            text=f"dice {report.dice}, accuracy {report.accuracy}",
        )


class _Supervised(nn.Module):
    """The network with an auxiliary head for the severities, which only the training knows."""

    def __init__(self, network: AngiogramQualityNet) -> None:
        super().__init__()
        self.network = network
        self.severities = nn.Linear(network.described, len(AXES))

    def forward(self, frames: Tensor) -> Outputs:
        vessels, pooled = self.network.describe(frames)
        grade = self.network.classifier(pooled)
        return Outputs(vessels=vessels, grade=grade, severities=self.severities(pooled))

    def groups(self, recipe: AngiogramQualityRecipe) -> list[dict[str, Any]]:
        """Parameters with their share of the learning rate.

        Nothing normalises the residual of an attention block: at the full rate it grows until the
        features that it is added to are lost in it.
        """
        network = self.network
        heads = [*network.classifier.parameters(), *self.severities.parameters()]
        attention = [*network.attention3.parameters(), *network.attention4.parameters()]
        known = {id(parameter) for parameter in (*heads, *attention)}
        return [
            {
                "params": [entry for entry in network.parameters() if id(entry) not in known],
                "share": 1.0,
            },
            {"params": attention, "share": recipe.attention_rate},
            {"params": heads, "share": recipe.head_rate},
        ]


def _targets(batch: Batch, device: torch.device) -> Targets:
    names = [entry.name for entry in fields(Targets)]
    return Targets(**{name: torch.from_numpy(getattr(batch, name)).to(device) for name in names})
