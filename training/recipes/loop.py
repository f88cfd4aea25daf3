"""Trains any network by a recipe: steps, averages, validations, checkpoints, log."""

from __future__ import annotations

import copy
import csv
import math
import time
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from training.recipes.checkpoint import load_training, save_training, save_weights
from training.recipes.memory import keep_freed_memory
from training.recipes.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

WEIGHTS, TRAINING, LOG = "best.safetensors", "last.safetensors", "log.csv"
"""Files in the folder of a training."""

Batch = TypeVar("Batch")


class Schedule(Protocol):
    """What every recipe, a dataclass, says about the course of its training."""

    @property
    def steps(self) -> int:
        """Optimiser steps, unless the time is limited instead."""

    @property
    def seed(self) -> int:
        """Seed of the weights and of the order of the batches."""

    @property
    def learning_rate(self) -> float:
        """Highest learning rate."""

    @property
    def final_rate(self) -> float:
        """Last learning rate as a fraction of the highest."""

    @property
    def warm_up_steps(self) -> int:
        """Steps of the linear warm-up."""

    @property
    def gradient_clip(self) -> float:
        """Largest norm of the gradient."""

    @property
    def average_decay(self) -> float:
        """Decay per step of the averaged weights, which are the ones that are kept."""

    @property
    def validate_every_s(self) -> float:
        """Seconds between validations."""

    @property
    def threads(self) -> int:
        """Threads that a layer is computed with."""


@dataclass(frozen=True, kw_only=True)
class Validation:
    """How well the averaged weights do now."""

    score: float
    """What the kept weights are chosen by; higher is better."""
    numbers: Mapping[str, float | int]
    """For the log."""
    text: str
    """For a person."""


@dataclass
class _State:
    """What changes while training, except for the tensors."""

    step: int = 0
    elapsed_s: float = 0.0
    best: float = -1.0
    validated_s: float = 0.0


class Loop(ABC, Generic[Batch]):
    """One training: where it stands. A subclass knows the networks, the data and the loss."""

    def __init__(
        self,
        schedule: Schedule,
        out: Path,
        minutes: float | None,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
    ) -> None:
        """Takes the network whose averaged weights are kept, and an optimiser.

        A group of the optimiser may have a `share` of the learning rate, else it has all of it.
        """
        self.schedule, self.out, self.minutes = schedule, out, minutes
        self.optimiser = optimiser
        self.average = copy.deepcopy(network).eval()
        self.state = _State()
        self._network = network

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """What a checkpoint must hold beside the average, by name."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, stage: Any) -> Batch:
        """A batch that depends on the generator and the stage alone; called in a thread."""

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """What the next step shall make smaller."""

    @abstractmethod
    def validate(self) -> Validation:
        """Scores `average`."""

    def stage(self) -> Any:
        """Which part of the training this is, for `draw`; one part unless a recipe has more."""
        return None

    def resume(self) -> None:
        """Go on from the last checkpoint in the folder."""
        path = self.out / TRAINING
        if path.is_file():
            notes = load_training(path, self._kept(), self.optimiser)
            self.state = _State(**notes["state"])

    def run(self, until_step: int | None = None) -> None:
        """Train to the end, or to a step, validating and saving on the way."""
        started = time.monotonic() - self.state.elapsed_s
        loss = math.nan
        with Progress() as progress:
            for batch in self._batches():
                loss = self._step(batch)
                self.state.elapsed_s = time.monotonic() - started
                progress.update(self.done(), {"step": self.state.step, "loss": loss})
                if self.state.step == until_step:
                    break
                if self.state.elapsed_s - self.state.validated_s > self.schedule.validate_every_s:
                    progress.note(self._validate(loss))
            progress.note(self._validate(loss))

    def done(self) -> float:
        """Part of the training that is over, by time where that is limited, else by steps."""
        if self.minutes is not None:
            return self.state.elapsed_s / (60 * self.minutes)
        return self.state.step / self.schedule.steps

    def rate(self) -> float:
        """Learning rate of the next step: linear warm-up, then a cosine over the training."""
        plan = self.schedule
        warm = min(1.0, (self.state.step + 1) / plan.warm_up_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.done())))
        return plan.learning_rate * warm * (plan.final_rate + (1 - plan.final_rate) * cosine)

    def _kept(self) -> dict[str, nn.Module]:
        return {**self.networks(), "average": self.average}

    def _batches(self) -> Iterator[Batch]:
        """Batches prepared one ahead in a thread; batch i depends on the seed and i alone."""
        with ThreadPoolExecutor(1) as executor:
            stage, waiting = self.stage(), self._prepare(executor, self.state.step, self.stage())
            while self.done() < 1.0:
                if stage != self.stage():
                    stage = self.stage()
                    waiting = self._prepare(executor, self.state.step, stage)
                batch = waiting.result()
                waiting = self._prepare(executor, self.state.step + 1, stage)
                yield batch

    def _prepare(self, executor: ThreadPoolExecutor, step: int, stage: Any) -> Future[Batch]:
        rng = np.random.default_rng([self.schedule.seed, step])
        return executor.submit(self.draw, rng, stage)

    def _step(self, batch: Batch) -> float:
        rate = self.rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(batch)
        torch.autograd.backward(loss)
        learned = [entry for group in self.optimiser.param_groups for entry in group["params"]]
        torch.nn.utils.clip_grad_norm_(learned, self.schedule.gradient_clip)
        self.optimiser.step()
        self.state.step += 1
        self._update_average()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.schedule.average_decay, (1 + self.state.step) / (10 + self.state.step))
        new = self._network.state_dict()
        for name, mean in self.average.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(new[name], 1 - decay)
            else:
                mean.copy_(new[name])

    def _validate(self, loss: float) -> str:
        found = self.validate()
        self.state.validated_s = self.state.elapsed_s
        recipe = asdict(self.schedule)  # type: ignore[call-overload]
        notes = {"state": asdict(self.state), "recipe": recipe}
        if found.score > self.state.best:
            self.state.best = found.score
            save_weights(self.out / WEIGHTS, self.average, notes)
        notes["state"] = asdict(self.state)
        save_training(self.out / TRAINING, self._kept(), self.optimiser, notes)
        self._log(found, loss)
        return f"step {self.state.step}: {found.text}"

    def _log(self, found: Validation, loss: float) -> None:
        row = {
            "step": self.state.step,
            "elapsed_s": round(self.state.elapsed_s),
            "rate": round(self.rate(), 7),
            "loss": round(loss, 4),
            **{k: round(v, 4) for k, v in found.numbers.items()},
            "best": round(self.state.best, 4),
        }
        path = self.out / LOG
        fresh = not path.is_file()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if fresh:
                writer.writeheader()
            writer.writerow(row)


def begin(schedule: Schedule) -> None:
    """Sets up the process of a training; call it before the first weights are drawn."""
    keep_freed_memory()
    torch.set_num_threads(schedule.threads)
    torch.manual_seed(schedule.seed)


def refuse_to_overwrite(out: Path, *, resume: bool) -> None:
    """Makes the folder of a training.

    Raises:
        FileExistsError: it holds a training and `resume` was not asked for.
    """
    if (out / TRAINING).exists() and not resume:
        message = (
            f"expected a folder without a training, found one in {out}; resume it or choose another"
        )
        raise FileExistsError(message)
    out.mkdir(parents=True, exist_ok=True)
