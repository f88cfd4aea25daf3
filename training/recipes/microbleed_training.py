"""Trains the two networks of the microbleed task by their recipes."""

from __future__ import annotations

import csv
import json
import math
import time
from abc import ABC, abstractmethod
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from training.datasets.brain_batches import augmented_crops, patch_inputs
from training.datasets.brain_pool import crop_pool, patch_pool
from training.detection_evaluation import best_threshold, findings, mean_sensitivity, summary
from training.losses.brain_regions import region_loss
from training.losses.microbleed_detection import (
    ConcentrationLoss,
    anchor_targets,
    hard_samples,
    proposal_loss,
)
from training.networks.brain_regions import BrainRegionsNet
from training.networks.microbleed_detection import MicrobleedNet
from training.phantoms.head_anatomy import REGIONS
from training.recipes.checkpoint import load_training, load_weights, save_training, save_weights
from training.recipes.memory import keep_freed_memory
from training.recipes.microbleed_detection import DetectorRecipe, RegionsRecipe
from training.recipes.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor, nn

    from training.datasets.brain_pool import CropPool, PatchPool

WEIGHTS, TRAINING, LOG, REPORT = "best.safetensors", "last.safetensors", "log.csv", "metrics.json"
"""Files in the folder of a training."""


class Training(ABC):
    """Steps, validations and checkpoints of one network; what it learns is the subclass's."""

    network: nn.Module

    def __init__(self, recipe: DetectorRecipe | RegionsRecipe, out: Path) -> None:
        self.recipe, self.out = recipe, out
        self.step, self.elapsed_s, self.best = 0, 0.0, -1.0
        keep_freed_memory()
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self.learning = self.make()
        for module in self.learning.values():
            module.to(recipe.device)
        self.optimiser = torch.optim.AdamW(
            [entry for module in self.learning.values() for entry in module.parameters()],
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )

    @abstractmethod
    def make(self) -> dict[str, nn.Module]:
        """The modules that learn; "network" is the one that is kept."""

    @abstractmethod
    def loss(self, rng: np.random.Generator, done: float) -> Tensor:
        """Loss of a random batch, at a part of the training."""

    @abstractmethod
    def validate(self) -> float:
        """The higher the better."""

    def resume(self) -> None:
        """Go on from the last checkpoint in the folder."""
        notes = load_training(self.out / TRAINING, self.learning, self.optimiser)["state"]
        self.step, self.elapsed_s, self.best = notes["step"], notes["elapsed_s"], notes["best"]

    def run(self, minutes: float | None = None, until_step: int | None = None) -> None:
        """Train to the end, or to a step, validating and saving on the way."""
        started, validated = time.monotonic() - self.elapsed_s, self.elapsed_s
        loss = math.nan
        with Progress() as progress:
            while (done := self._done(minutes)) < 1.0 and self.step != until_step:
                loss = self._learn(done)
                self.elapsed_s = time.monotonic() - started
                progress.update(done, {"step": self.step, "loss": loss})
                if self.elapsed_s - validated > self.recipe.validate_every_s:
                    progress.note(self._save(loss))
                    validated = self.elapsed_s
            progress.note(self._save(loss))

    def _done(self, minutes: float | None) -> float:
        if minutes is not None:
            return self.elapsed_s / (60 * minutes)
        return self.step / self.recipe.steps

    def _learn(self, done: float) -> float:
        """One step; what it sees depends on the seed and the step alone."""
        warm = min(1.0, (self.step + 1) / self.recipe.warm_up_steps)
        rate = self.recipe.learning_rate * warm * (0.01 + 0.495 * (1 + math.cos(math.pi * done)))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        for module in self.learning.values():
            module.train()
        loss = self.loss(np.random.default_rng([self.recipe.seed, self.step]), done)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        parameters = self.optimiser.param_groups[0]["params"]
        torch.nn.utils.clip_grad_norm_(parameters, self.recipe.gradient_clip)
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    def _save(self, loss: float) -> str:
        score = self.validate()
        better, self.best = score > self.best, max(score, self.best)
        state = {"step": self.step, "elapsed_s": self.elapsed_s, "best": self.best}
        notes: dict[str, Any] = {"state": state, "recipe": asdict(self.recipe)}
        if better:
            save_weights(self.out / WEIGHTS, self.learning["network"], notes)
        save_training(self.out / TRAINING, self.learning, self.optimiser, notes)
        row = {**state, "elapsed_s": round(self.elapsed_s), "loss": loss, "score": score}
        path = self.out / LOG
        fresh = not path.is_file()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        return f"step {self.step}: loss {loss:.4f}, score {score:.4f}, best {self.best:.4f}"


class DetectorTraining(Training):
    """Crops of phantom brains, RPN loss, and prototypes of hard samples."""

    recipe: DetectorRecipe
    network: MicrobleedNet

    def make(self) -> dict[str, nn.Module]:
        """The detector, and the prototypes where they are learnt."""
        recipe = self.recipe
        self.network = MicrobleedNet(recipe.network)
        self.pool = self.crops("training")
        self.validation = self.crops("validation")
        modules: dict[str, nn.Module] = {"network": self.network}
        if recipe.hard_samples:
            modules["prototypes"] = ConcentrationLoss(recipe.network.fused, recipe.loss)
        return modules

    def crops(self, part: str) -> CropPool:
        """Crops of a part of the phantoms."""
        recipe = self.recipe
        folder = Path(recipe.phantoms or self.out)
        return crop_pool(folder, recipe.seeds(part), recipe.side, workers=recipe.workers)

    def loss(self, rng: np.random.Generator, done: float) -> Tensor:
        """Classification, regression, and after the first part of the training concentration."""
        images, truths = augmented_crops(self.pool, rng, self.recipe.batch)
        features = self.network.features(torch.from_numpy(images).to(self.recipe.device))
        outputs = self.network.propose(features)
        grid, config = tuple(outputs[0].shape[2:]), self.recipe.loss
        anchors = self.recipe.network.anchors
        targets = [anchor_targets(truth, anchors, grid, config.ignore_iou) for truth in truths]
        total = sum(proposal_loss(outputs, targets, config), torch.zeros(()))
        if self.recipe.hard_samples and done >= self.recipe.concentration_after:
            vectors, classes = hard_samples(features, outputs[0], truths, config)
            concentrated = self.learning["prototypes"](vectors, classes)
            total = total + config.concentration * concentrated
        return total

    def validate(self) -> float:
        """Mean sensitivity of the FROC."""
        return mean_sensitivity(findings(self.network, self.validation))

    def report(self) -> dict[str, Any]:
        """Held-out crops at the threshold that the validation crops choose."""
        load_weights(self.out / WEIGHTS, self.network)
        threshold = best_threshold(findings(self.network, self.validation))
        numbers = summary(findings(self.network, self.crops("test")), threshold)
        return {"data": "phantoms, crops", **numbers}


class RegionsTraining(Training):
    """Patches of phantom brains with their true regions."""

    recipe: RegionsRecipe
    network: BrainRegionsNet

    def make(self) -> dict[str, nn.Module]:
        """The brain regions network."""
        self.network = BrainRegionsNet(self.recipe.network)
        self.pool = self.patches("training")
        self.validation = self.patches("validation")
        return {"network": self.network}

    def patches(self, part: str) -> PatchPool:
        """Patches of a part of the phantoms."""
        recipe = self.recipe
        folder = Path(recipe.phantoms or self.out)
        return patch_pool(folder, recipe.seeds(part), recipe.patch, workers=recipe.workers)

    def loss(self, rng: np.random.Generator, done: float) -> Tensor:  # noqa: ARG002
        """Cross-entropy and Dice."""
        chosen = rng.integers(0, len(self.pool), self.recipe.batch)
        mirrored = bool(rng.integers(2))  # the head is symmetric, its coordinates mirror too
        inputs, regions = patch_inputs(self.pool, chosen, mirrored=mirrored)
        logits = self.network(torch.from_numpy(inputs).to(self.recipe.device))
        return region_loss(logits, torch.from_numpy(regions).to(self.recipe.device))

    def validate(self) -> float:
        """Mean Dice of the three regions."""
        scores = self._dice(self.validation)
        return float(np.mean(list(scores.values())))

    def report(self) -> dict[str, Any]:
        """Dice of every region over all held-out patches."""
        load_weights(self.out / WEIGHTS, self.network)
        return {"data": "phantoms, patches", "dice": self._dice(self.patches("test"))}

    @torch.no_grad()
    def _dice(self, pool: PatchPool) -> dict[str, float]:
        self.network.eval()
        shared, total = np.zeros(len(REGIONS)), np.zeros(len(REGIONS))
        for index in range(len(pool)):
            inputs, regions = patch_inputs(pool, np.array([index]), mirrored=False)
            logits = self.network(torch.from_numpy(inputs).to(self.recipe.device))
            labels = logits.argmax(1).cpu().numpy()
            for region in range(len(REGIONS)):
                shared[region] += 2 * np.sum((labels == region) & (regions == region))
                total[region] += np.sum(labels == region) + np.sum(regions == region)
        scores = shared / np.maximum(total, 1)
        return {name: float(scores[index]) for index, name in enumerate(REGIONS) if index}


def make_training(recipe: DetectorRecipe | RegionsRecipe, out: Path) -> Training:
    """The training of a recipe."""
    if isinstance(recipe, DetectorRecipe):
        return DetectorTraining(recipe, out)
    return RegionsTraining(recipe, out)


def train(
    recipe: DetectorRecipe | RegionsRecipe,
    out: Path,
    *,
    minutes: float | None = None,
    resume: bool = False,
) -> Path:
    """Train into a folder and return the path of the best weights.

    Raises:
        FileExistsError: the folder holds a training and `resume` was not asked for.
    """
    there = (out / TRAINING).exists()
    if there and not resume:
        message = f"expected a folder without a training, found one in {out}; resume it or move it"
        raise FileExistsError(message)
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2))
    training = make_training(recipe, out)
    if there:
        training.resume()
    training.run(minutes)
    return out / WEIGHTS
