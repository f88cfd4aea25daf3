"""Trains the angiogram quality network by its recipe: steps, averages, validations, checkpoints."""

from __future__ import annotations

import copy
import csv
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from training.datasets.angiogram_pool import Batch, cached
from training.evaluation import Report, by_torch, evaluate
from training.losses.angiogram_quality import Outputs, Targets, joint_loss
from training.networks.angiogram_quality import AngiogramQualityNet
from training.phantoms.quality import AXES
from training.recipes.checkpoint import load_training, save_training, save_weights
from training.recipes.memory import keep_freed_memory
from training.recipes.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from training.recipes.angiogram_quality import AngiogramQualityRecipe, Stage

WEIGHTS, TRAINING, LOG = "best.safetensors", "last.safetensors", "log.csv"
"""Files in the folder of a training."""


@dataclass
class _State:
    """What changes while training, except for the tensors."""

    step: int = 0
    elapsed_s: float = 0.0
    best: float = -1.0
    validated_s: float = 0.0


class Trainer:
    """One training: networks, optimiser, data and where it stands."""

    def __init__(self, recipe: AngiogramQualityRecipe, out: Path, minutes: float | None) -> None:
        self.recipe, self.out, self.minutes = recipe, out, minutes
        keep_freed_memory()
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self.network = AngiogramQualityNet(recipe.network)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self.supervised = _Supervised(self.network)
        self.optimiser = torch.optim.AdamW(
            self.supervised.groups(recipe),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        self.state = _State()
        size = recipe.network.size
        self.pool = cached(out, recipe.seeds("training"), size, workers=recipe.workers)
        self.validation = cached(out, recipe.seeds("validation"), size, workers=recipe.workers)

    def resume(self) -> None:
        """Go on from the last checkpoint in the folder."""
        path = self.out / TRAINING
        if path.is_file():
            notes = load_training(path, self._networks(), self.optimiser)
            self.state = _State(**notes["state"])

    def run(self, until_step: int | None = None) -> None:
        """Train to the end, or to a step, validating and saving on the way."""
        started = time.monotonic() - self.state.elapsed_s
        with Progress() as progress:
            for batch in self._batches():
                loss = self._step(batch)
                self.state.elapsed_s = time.monotonic() - started
                progress.update(self._done(), {"step": self.state.step, "loss": loss})
                if self.state.step == until_step:
                    break
                if self.state.elapsed_s - self.state.validated_s > self.recipe.validate_every_s:
                    progress.note(self._validate(loss))
            progress.note(self._validate(loss))

    def _networks(self) -> dict[str, torch.nn.Module]:
        return {
            "network": self.network,
            "average": self.average,
            "head": self.supervised.severities,
        }

    def _done(self) -> float:
        if self.minutes is not None:
            return self.state.elapsed_s / (60 * self.minutes)
        return self.state.step / self.recipe.steps

    def _stage(self) -> Stage:
        end = 0.0
        for stage in self.recipe.stages:
            end += stage.share
            if self._done() < end:
                return stage
        return self.recipe.stages[-1]

    def _batches(self) -> Iterator[Batch]:
        """Batches prepared one ahead in a thread; batch i depends on the seed and i alone."""
        with ThreadPoolExecutor(1) as executor:
            stage, waiting = self._stage(), self._prepare(executor, self.state.step, self._stage())
            while self._done() < 1.0:
                if stage != self._stage():
                    stage = self._stage()
                    waiting = self._prepare(executor, self.state.step, stage)
                batch = waiting.result()
                waiting = self._prepare(executor, self.state.step + 1, stage)
                yield batch

    def _prepare(self, executor: ThreadPoolExecutor, step: int, stage: Stage) -> Future[Batch]:
        rng = np.random.default_rng([self.recipe.seed, step])
        return executor.submit(self.pool.augmented, rng, stage.batch, stage.side)

    def _step(self, batch: Batch) -> float:
        rate = self.rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        self.supervised.train()
        self.network.set_size(batch.inputs.shape[-1])
        self.network.detach_vessels = self._done() < self.recipe.detached_share
        loss = self._differentiate(batch)
        torch.nn.utils.clip_grad_norm_(self.supervised.parameters(), self.recipe.gradient_clip)
        self.optimiser.step()
        self.state.step += 1
        self._update_average()
        return loss

    def _differentiate(self, batch: Batch) -> float:
        self.optimiser.zero_grad(set_to_none=True)
        frames = torch.from_numpy(batch.inputs).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bfloat16):
            outputs = self.supervised(frames)
        loss = joint_loss(outputs, _targets(batch), self.recipe.loss)
        torch.autograd.backward(loss)
        return float(loss.detach())

    def rate(self) -> float:
        """Learning rate of the next step: linear warm-up, then a cosine over the training."""
        recipe = self.recipe
        warm = min(1.0, (self.state.step + 1) / recipe.warm_up_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self._done())))
        return recipe.learning_rate * warm * (recipe.final_rate + (1 - recipe.final_rate) * cosine)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.recipe.average_decay, (1 + self.state.step) / (10 + self.state.step))
        new = self.network.state_dict()
        for name, mean in self.average.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(new[name], 1 - decay)
            else:
                mean.copy_(new[name])

    def _validate(self, loss: float) -> str:
        size, half = self.recipe.network.size, self.recipe.bfloat16
        report = evaluate(by_torch(self.average, size, bfloat16=half), self.validation)
        self.state.validated_s = self.state.elapsed_s
        score = (report.dice.value + report.accuracy.value) / 2
        notes = {"state": asdict(self.state), "recipe": asdict(self.recipe)}
        if score > self.state.best:
            self.state.best = score
            save_weights(self.out / WEIGHTS, self.average, notes)
        notes["state"] = asdict(self.state)
        save_training(self.out / TRAINING, self._networks(), self.optimiser, notes)
        self._log(report, loss)
        return f"step {self.state.step}: dice {report.dice}, accuracy {report.accuracy}"

    def _log(self, report: Report, loss: float) -> None:
        row = {
            "step": self.state.step,
            "elapsed_s": round(self.state.elapsed_s),
            "side": self._stage().side,
            "rate": round(self.rate(), 7),
            "loss": round(loss, 4),
            "dice": round(report.dice.value, 4),
            "accuracy": round(report.accuracy.value, 4),
            "ordinal_error": round(report.ordinal_error, 4),
            "best": round(self.state.best, 4),
        }
        path = self.out / LOG
        fresh = not path.is_file()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if fresh:
                writer.writeheader()
            writer.writerow(row)


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


def _targets(batch: Batch) -> Targets:
    names = [entry.name for entry in fields(Targets)]
    return Targets(**{name: torch.from_numpy(getattr(batch, name)) for name in names})
