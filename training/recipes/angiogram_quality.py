"""Trains the angiogram quality network on phantoms: crops first, then whole frames."""

from __future__ import annotations

import copy
import csv
import json
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from training.datasets.angiogram_pool import Batch, cached
from training.evaluation import Report, evaluate
from training.losses.angiogram_quality import LossWeights, joint_loss
from training.networks.angiogram_quality import AngiogramQualityConfig, AngiogramQualityNet
from training.recipes.checkpoint import load_training, save_training, save_weights
from training.recipes.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
        Stage(share=0.5, side=256, batch=8),
        Stage(share=0.5, side=512, batch=4),
    )
    """Crops at full resolution for the vessels, then whole frames for the grade."""
    steps: int = 5000
    """Optimiser steps, unless the time is limited instead."""
    training_frames: int = 6000
    """Phantoms to train on."""
    validation_frames: int = 120
    """Phantoms that choose the checkpoint."""
    training_seed: int = 1_000_000
    """Seed of the first training phantom."""
    validation_seed: int = 2_000_000
    """Seed of the first validation phantom."""
    seed: int = 7
    """Seed of the weights and of the order of the batches."""
    learning_rate: float = 1.5e-3
    """Highest learning rate."""
    final_rate: float = 0.01
    """Last learning rate as a fraction of the highest."""
    warm_up_steps: int = 60
    """Steps of the linear warm-up."""
    weight_decay: float = 1e-2
    """AdamW's decay."""
    gradient_clip: float = 2.0
    """Largest norm of the gradient."""
    average_decay: float = 0.998
    """Decay per step of the averaged weights, which are the ones that are kept."""
    detached_share: float = 0.08
    """First part of the training in which the grade sends no gradient into the vessels."""
    loss: LossWeights = field(default_factory=LossWeights)
    """Weights of the joint loss."""
    validate_every_s: float = 300.0
    """Seconds between validations."""
    threads: int = 2
    """CPU threads of a step."""
    workers: int = 2
    """Processes that generate phantoms before the training."""
    bfloat16: bool = True
    """Run the network's forward and backward pass in bfloat16 where it is safe."""


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
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self.network = AngiogramQualityNet(recipe.network)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.state = _State()
        size = recipe.network.size
        self.pool, self.validation = (
            cached(out, range(first, first + count), size, workers=recipe.workers)
            for first, count in (
                (recipe.training_seed, recipe.training_frames),
                (recipe.validation_seed, recipe.validation_frames),
            )
        )

    def resume(self) -> None:
        """Go on from the last checkpoint in the folder."""
        path = self.out / "last.safetensors"
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
        return {"network": self.network, "average": self.average}

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
        side = batch.inputs.shape[-1]
        self.network.train().set_size(side)
        self.network.detach_vessels = self._done() < self.recipe.detached_share
        rate = self.rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        frames = torch.from_numpy(batch.inputs).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bfloat16):
            outputs = self.network(frames)
        loss = joint_loss(outputs, _targets(batch), self.recipe.loss)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.gradient_clip)
        self.optimiser.step()
        self.state.step += 1
        self._update_average()
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
        report = evaluate(self.average, self.validation, bfloat16=self.recipe.bfloat16)
        self.state.validated_s = self.state.elapsed_s
        score = min(report.dice.value, report.accuracy.value)
        notes = {"state": asdict(self.state), "recipe": asdict(self.recipe)}
        if score > self.state.best:
            self.state.best = score
            save_weights(self.out / "best.safetensors", self.average, notes)
        notes["state"] = asdict(self.state)
        save_training(self.out / "last.safetensors", self._networks(), self.optimiser, notes)
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
        path = self.out / "log.csv"
        fresh = not path.is_file()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if fresh:
                writer.writeheader()
            writer.writerow(row)


def _targets(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.from_numpy(batch.vessels),
        torch.from_numpy(batch.grades),
        torch.from_numpy(batch.visible),
    )


def train(
    recipe: AngiogramQualityRecipe, out: Path, *, minutes: float | None = None, resume: bool = False
) -> Path:
    """Train into a folder and return the path of the best weights.

    Raises:
        FileExistsError: the folder holds a training and `resume` was not asked for.
    """
    if (out / "last.safetensors").exists() and not resume:
        message = (
            f"expected a folder without a training, found one in {out}; resume it or choose another"
        )
        raise FileExistsError(message)
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2))
    trainer = Trainer(recipe, out, minutes)
    if resume:
        trainer.resume()
    trainer.run()
    return out / "best.safetensors"
