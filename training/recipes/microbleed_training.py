"""Trains the two networks of the microbleed task by their recipes."""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import torch

from training.datasets.brain_batches import (
    augmented_crops,
    patch_inputs,
    random_cuts,
    with_deposits,
)
from training.datasets.brain_pool import crop_pool, patch_pool
from training.datasets.cohort_pool import cohort_crops
from training.detection_evaluation import best_threshold, findings, mean_sensitivity, summary
from training.losses.brain_regions import region_loss
from training.losses.microbleed_detection import (
    ConcentrationLoss,
    CropTruth,
    anchor_targets,
    hard_samples,
    proposal_loss,
)
from training.networks.brain_regions import BrainRegionsNet
from training.networks.microbleed_detection import MicrobleedNet
from training.phantoms.head_anatomy import REGIONS
from training.recipes.checkpoint import load_weights
from training.recipes.loop import REPORT, WEIGHTS, Loop, Validation, begin, open_folder
from training.recipes.microbleed_detection import DetectorRecipe, RegionsRecipe
from training.subject_evaluation import threshold_on_subjects

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from training.datasets.brain_pool import CropPool, PatchPool

    Images = NDArray[np.float32]

Batch = TypeVar("Batch")


class Training(Loop[Batch]):
    """What the trainings of both networks have in common."""

    def __init__(
        self, recipe: DetectorRecipe | RegionsRecipe, out: Path, minutes: float | None = None
    ) -> None:
        begin(recipe)
        self.learning = self.make()
        for module in self.learning.values():
            module.to(recipe.device)
        optimiser = torch.optim.AdamW(
            [entry for module in self.learning.values() for entry in module.parameters()],
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        super().__init__(recipe, out, minutes, self.learning["network"], optimiser)

    @abstractmethod
    def make(self) -> dict[str, nn.Module]:
        """The modules that learn; "network" is the one that is kept."""

    @abstractmethod
    def report(self) -> dict[str, Any]:
        """Scores of the best weights on the held-out part."""

    def networks(self) -> dict[str, nn.Module]:
        """The network, and what only its training knows."""
        return self.learning

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """An array where the networks are."""
        return torch.from_numpy(array).to(self.schedule.device)

    def learn(self) -> None:
        """Everything that learns behaves as in training."""
        for module in self.learning.values():
            module.train()


class DetectorTraining(Training["tuple[Images, list[CropTruth]]"]):
    """Crops of brains, RPN loss, and prototypes of hard samples."""

    def __init__(self, recipe: DetectorRecipe, out: Path, minutes: float | None = None) -> None:
        self.recipe = recipe
        super().__init__(recipe, out, minutes)
        self.pool = self.processes.once(lambda: self.crops("training"))
        self.validation = self.processes.once(lambda: self.crops("validation"))

    def make(self) -> dict[str, nn.Module]:
        """The detector, and the prototypes where they are learnt."""
        recipe = self.recipe
        self.network = MicrobleedNet(recipe.network)
        modules: dict[str, nn.Module] = {"network": self.network}
        if recipe.hard_samples:
            modules["prototypes"] = ConcentrationLoss(recipe.network.fused, recipe.loss)
        return modules

    def crops(self, part: str) -> CropPool:
        """Crops of a part of the subjects of `data`, or of phantoms."""
        recipe = self.recipe
        if recipe.data is not None:
            return cohort_crops(Path(recipe.data) / part, recipe.seeds(part), recipe.side)
        folder = Path(recipe.phantoms or self.out)
        return crop_pool(folder, recipe.seeds(part), recipe.side, workers=recipe.workers)

    def draw(self, rng: np.random.Generator, stage: Any) -> tuple[Images, list[CropTruth]]:  # noqa: ARG002
        """Random crops with their bleeds."""
        return augmented_crops(self.pool, rng, self.share(self.recipe.batch))

    def loss(self, batch: tuple[Images, list[CropTruth]]) -> Tensor:
        """Classification, regression, and after the first part of the training concentration."""
        self.learn()
        images, truths = batch
        features = self.network.features(self.tensor(images))
        outputs = self.network.propose(features)
        grid, config = tuple(outputs[0].shape[2:]), self.recipe.loss
        anchors = self.recipe.network.anchors
        targets = [anchor_targets(truth, anchors, grid, config.ignore_iou) for truth in truths]
        total = sum(proposal_loss(outputs, targets, config), torch.zeros(()))
        if self.recipe.hard_samples and self.done() >= self.recipe.concentration_after:
            vectors, classes = hard_samples(features, outputs[0], truths, config)
            concentrated = self.learning["prototypes"](vectors, classes)
            total = total + config.concentration * concentrated
        return total

    def validate(self) -> Validation:
        """Mean sensitivity of the FROC decides."""
        kept = cast("MicrobleedNet", self.average)
        found = mean_sensitivity(findings(kept, self.validation))
        text = f"mean sensitivity {found:.3f}"
        return Validation(score=found, numbers={"mean_sensitivity": found}, text=text)

    def threshold(self) -> float:
        """The score with the highest F1 on what the recipe validates with."""
        seeds = self.recipe.subject_seeds()
        if not len(seeds):
            return best_threshold(findings(self.network, self.validation))
        return threshold_on_subjects(self.network, Path(self.recipe.phantoms or self.out), seeds)

    def report(self) -> dict[str, Any]:
        """Held-out crops at the threshold that validation subjects, or crops, choose."""
        load_weights(self.out / WEIGHTS, self.network)
        threshold = self.threshold()
        numbers = summary(findings(self.network, self.crops("test")), threshold)
        data, pool = self.recipe.data, self.pool
        of = "phantoms" if data is None else f"subjects of {Path(data).name}"
        pixels = [pool.spacing_of(index)[1] for index in range(len(pool))]
        return {"data": f"{of}, crops", "pixel_mm": float(np.median(pixels)), **numbers}


class RegionsTraining(Training["tuple[Images, NDArray[np.int64]]"]):
    """Patches of phantom brains with their true regions."""

    def __init__(self, recipe: RegionsRecipe, out: Path, minutes: float | None = None) -> None:
        largest = min(recipe.patch[1:])
        if recipe.side > largest:
            raise ValueError(
                f"expected cuts that fit into a patch of {recipe.patch} voxels, got a side of "
                f"{recipe.side}; set side to {largest} or less"
            )
        self.recipe = recipe
        super().__init__(recipe, out, minutes)
        self.pool = self.processes.once(lambda: self.patches("training"))
        self.validation = self.processes.once(lambda: self.patches("validation"))

    def make(self) -> dict[str, nn.Module]:
        """The brain regions network."""
        self.network = BrainRegionsNet(self.recipe.network)
        return {"network": self.network}

    def patches(self, part: str) -> PatchPool:
        """Patches of a part of the phantoms.

        Raises:
            ValueError: real subjects were given, whose regions nobody drew.
        """
        recipe = self.recipe
        if recipe.data is not None:
            raise ValueError(
                "expected no data for the brain regions network, which learns from regions that "
                "phantoms alone bring along; leave data out"
            )
        folder = Path(recipe.phantoms or self.out)
        return patch_pool(folder, recipe.seeds(part), recipe.patch, workers=recipe.workers)

    def draw(self, rng: np.random.Generator, stage: Any) -> tuple[Images, NDArray[np.int64]]:  # noqa: ARG002
        """Cuts of random patches with their regions."""
        chosen = rng.integers(0, len(self.pool), self.share(self.recipe.batch))
        mirrored = bool(rng.integers(2))  # the head is symmetric, its coordinates mirror too
        inputs, regions = patch_inputs(self.pool, chosen, mirrored=mirrored)
        cuts, labels = random_cuts(rng, inputs, regions, self.recipe.side)
        return (with_deposits(rng, cuts, labels) if self.recipe.deposits else cuts), labels

    def loss(self, batch: tuple[Images, NDArray[np.int64]]) -> Tensor:
        """Cross-entropy and Dice."""
        self.learn()
        inputs, regions = batch
        return region_loss(self.network(self.tensor(inputs)), self.tensor(regions))

    def validate(self) -> Validation:
        """Mean Dice of the three regions decides."""
        scores = self._dice(self.average, self.validation)
        mean = float(np.mean(list(scores.values())))
        return Validation(score=mean, numbers={"dice": mean, **scores}, text=f"dice {mean:.3f}")

    def report(self) -> dict[str, Any]:
        """Dice of every region over all held-out patches."""
        load_weights(self.out / WEIGHTS, self.network)
        return {"data": "phantoms, patches", "dice": self._dice(self.network, self.patches("test"))}

    @torch.no_grad()
    def _dice(self, network: nn.Module, pool: PatchPool) -> dict[str, float]:
        network.eval()
        shared, total = np.zeros(len(REGIONS)), np.zeros(len(REGIONS))
        for index in range(len(pool)):
            inputs, regions = patch_inputs(pool, np.array([index]), mirrored=False)
            logits = network(torch.from_numpy(inputs).to(self.recipe.device))
            labels = logits.argmax(1).cpu().numpy()
            for region in range(len(REGIONS)):
                shared[region] += 2 * np.sum((labels == region) & (regions == region))
                total[region] += np.sum(labels == region) + np.sum(regions == region)
        scores = shared / np.maximum(total, 1)
        return {name: float(scores[index]) for index, name in enumerate(REGIONS) if index}


def make_training(
    recipe: DetectorRecipe | RegionsRecipe, out: Path, minutes: float | None = None
) -> DetectorTraining | RegionsTraining:
    """The training of a recipe."""
    if isinstance(recipe, DetectorRecipe):
        return DetectorTraining(recipe, out, minutes)
    return RegionsTraining(recipe, out, minutes)


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
    open_folder(recipe, out, resume=resume)
    training = make_training(recipe, out, minutes)
    if resume:
        training.resume()
    training.run()
    return out / WEIGHTS


def report(recipe: DetectorRecipe | RegionsRecipe, out: Path) -> dict[str, Any]:
    """Score the best weights of a folder on held-out phantoms."""
    numbers = make_training(recipe, out).report()
    (out / REPORT).write_text(json.dumps(numbers, indent=2) + "\n")
    return numbers
