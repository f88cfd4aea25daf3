"""Trains any network by a recipe: steps, averages, validations, checkpoints, log."""

from __future__ import annotations

import copy
import json
import math
import time
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from training.recipes import curves
from training.recipes.checkpoint import load_training, save_training, save_weights
from training.recipes.memory import keep_freed_memory
from training.recipes.processes import join
from training.recipes.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np

    from training.recipes.schedule import Schedule

WEIGHTS, TRAINING = "best.safetensors", "last.safetensors"
RECIPE, REPORT = "recipe.json", "metrics.json"
"""Files in the folder of a training; the report holds the scores on the held-out part."""

Batch = TypeVar("Batch")


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
        self.processes = join(schedule.device)
        self.optimiser = optimiser
        self.average = copy.deepcopy(network).eval() if schedule.average_decay else network
        self.state = _State()
        self._network = network
        self._taken: list[dict[str, float]] = []

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """All that learns, by name: what a checkpoint must hold beside the average."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, stage: Any) -> Batch:
        """A batch, or this process's `share` of it; called in a thread.

        It depends on the generator and the stage alone.
        """

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """What the next step shall make smaller."""

    @abstractmethod
    def validate(self) -> Validation:
        """Scores `average`; called in the first process alone."""

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
        """Train to the end, or to a step, validating and saving on the way.

        A training that is over already is left as it is.
        """
        if self.state.step and self.done() >= 1.0:
            return
        self.processes.begin(self._kept().values(), self.schedule.seed)
        started = time.monotonic() - self.state.elapsed_s
        loss = math.nan
        with Progress(shown=self.processes.first) as progress:
            for batch in self._batches():
                own = self._step(batch)
                loss, elapsed_s = self.processes.agree(own, time.monotonic() - started)
                self._note(loss, elapsed_s)
                progress.update(self.done(), {"step": self.state.step, "loss": loss})
                if self.state.step == until_step:
                    break
                if elapsed_s - self.state.validated_s > self.schedule.validate_every_s:
                    progress.note(self._stop_to_validate(loss))
            progress.note(self._stop_to_validate(loss))

    def share(self, batch: int) -> int:
        """How much of a batch this process draws; all of it unless there are several."""
        return self.processes.share(batch)

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
        if self.average is self._network:
            return self.networks()
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
        rng = self.processes.generator(self.schedule.seed, step)
        return executor.submit(self.draw, rng, stage)

    def _step(self, batch: Batch) -> float:
        rate = self.rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(batch)
        torch.autograd.backward(loss)
        learned = [entry for group in self.optimiser.param_groups for entry in group["params"]]
        self.processes.average(learned, self.networks().values())
        torch.nn.utils.clip_grad_norm_(learned, self.schedule.gradient_clip)
        self.optimiser.step()
        self.state.step += 1
        self._update_average()
        return float(loss.detach())

    def _note(self, loss: float, elapsed_s: float) -> None:
        self.state.elapsed_s = elapsed_s
        if not self.processes.first:
            return
        rate = self.optimiser.param_groups[0]["lr"]
        self._taken.append({"step": self.state.step, "rate": round(rate, 8), "loss": loss})

    @torch.no_grad()
    def _update_average(self) -> None:
        if self.average is self._network:
            return
        decay = min(self.schedule.average_decay, (1 + self.state.step) / (10 + self.state.step))
        new = self._network.state_dict()
        for name, mean in self.average.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(new[name], 1 - decay)
            else:
                mean.copy_(new[name])

    def _stop_to_validate(self, loss: float) -> str:
        """The first process validates and saves, the others wait."""
        self.state.validated_s = self.state.elapsed_s
        text = self._validate(loss) if self.processes.first else ""
        self.processes.wait()
        return text

    def _validate(self, loss: float) -> str:
        found = self.validate()
        recipe = asdict(self.schedule)  # type: ignore[call-overload]
        better = found.score > self.state.best
        self.state.best = max(found.score, self.state.best)
        notes = {"state": asdict(self.state), "recipe": recipe}
        if better:
            save_weights(self.out / WEIGHTS, self.average, notes)
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
        curves.extend(self.out / curves.LOG, [row])
        curves.extend(self.out / curves.STEPS, self._taken)
        self._taken.clear()
        curves.draw(self.out)


def begin(schedule: Schedule) -> None:
    """Sets up the process of a training; call it before the first weights are drawn."""
    keep_freed_memory()
    torch.set_num_threads(schedule.threads)
    torch.manual_seed(schedule.seed)
    join(schedule.device)


def open_folder(recipe: Any, out: Path, *, resume: bool) -> None:
    """Makes the folder of a training and writes its recipe there.

    Raises:
        FileExistsError: it holds a training and `resume` was not asked for.
        FileNotFoundError: `resume` was asked for, and it holds none.
    """
    if resume and not (out / TRAINING).exists():
        message = (
            f"expected a training to go on with in {out}, found none; start one without resume"
        )
        raise FileNotFoundError(message)
    if (out / TRAINING).exists() and not resume:
        message = (
            f"expected a folder without a training, found one in {out}; resume it or choose another"
        )
        raise FileExistsError(message)
    if join(recipe.device).first:
        out.mkdir(parents=True, exist_ok=True)
        (out / RECIPE).write_text(json.dumps(asdict(recipe), indent=2))
