"""The recipes of the microbleed task: the detector, and the brain regions network."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.losses.microbleed_detection import DetectionLossConfig
from training.networks.brain_regions import HALF_WIDTH, BrainRegionsConfig
from training.networks.microbleed_detection import THIN, MicrobleedConfig


@dataclass(frozen=True, kw_only=True)
class _Recipe:
    """What both trainings have in common."""

    steps: int = 800
    """Optimiser steps, unless the time is limited instead."""
    batch: int = 4
    """Inputs per step."""
    training_count: int = 1200
    """Phantoms to train on, one input each."""
    validation_count: int = 80
    """Phantoms that choose the checkpoint."""
    test_count: int = 240
    """Held-out phantoms, seen once, after the training."""
    training_seed: int = 31_000_000
    """Seed of the first training phantom."""
    validation_seed: int = 32_000_000
    """Seed of the first validation phantom."""
    test_seed: int = 33_000_000
    """Seed of the first held-out phantom."""
    seed: int = 7
    """Seed of the weights and of the order of the inputs."""
    learning_rate: float = 2e-3
    """Highest learning rate of AdamW."""
    final_rate: float = 0.01
    """Last learning rate as a fraction of the highest."""
    weight_decay: float = 1e-2
    """AdamW's decay."""
    gradient_clip: float = 5.0
    """Largest norm of the gradient."""
    warm_up_steps: int = 30
    """Steps of the linear warm-up; a cosine follows."""
    average_decay: float = 0.0
    """Decay per step of averaged weights; at 0 the weights themselves are kept."""
    validate_every_s: float = 400.0
    """Seconds between validations."""
    device: str = "cpu"
    """Where torch computes, such as cpu or cuda."""
    data: str | None = None
    """Folder of subjects to train the detector on in the place of phantoms."""
    phantoms: str | None = None
    """Folder that keeps the phantoms for several trainings; by default each keeps its own."""
    threads: int = 2
    """Threads that a layer is computed with on a CPU."""
    workers: int = 2
    """Processes that make phantoms before the training."""

    def seeds(self, part: str) -> range:
        """Seeds of the `training`, `validation` or `test` phantoms; the three never meet."""
        first: int = getattr(self, f"{part}_seed")
        count: int = getattr(self, f"{part}_count")
        return range(first, first + count)


@dataclass(frozen=True, kw_only=True)
class DetectorRecipe(_Recipe):
    """Every number of the detector's training.

    The published ablation is `network.fusion` and `hard_samples` off and on.
    """

    network: MicrobleedConfig = THIN
    """Shape of the network."""
    steps: int = 2400
    """Optimiser steps, unless the time is limited instead."""
    training_count: int = 3600
    """Phantoms to train on, one crop each."""
    validation_count: int = 160
    """Phantoms that choose the checkpoint."""
    side: int = 48
    """Side of the crops in voxels, a multiple of 16."""
    validation_subjects: int = 8
    """Whole phantom heads that choose the score threshold; at 0, or with data, the crops do: half
    of them were made around a bleed, and the threshold is low for heads."""
    subject_seed: int = 35_000_000
    """Seed of the first of these heads."""
    loss: DetectionLossConfig = field(default_factory=DetectionLossConfig)
    """Rules and weights of the loss."""
    hard_samples: bool = True
    """Learn prototypes from hard samples (HSPL)."""
    concentration_after: float = 0.1
    """Part of the training after which the concentration loss counts: before, the best anchor of
    a crop is noise."""

    def subject_seeds(self) -> range:
        """Seeds of the whole heads that choose the threshold; none where crops do."""
        count = 0 if self.data else self.validation_subjects
        return range(self.subject_seed, self.subject_seed + count)


@dataclass(frozen=True, kw_only=True)
class RegionsRecipe(_Recipe):
    """Every number of the training of the brain regions network."""

    network: BrainRegionsConfig = HALF_WIDTH
    """Shape of the network."""
    steps: int = 3000
    """Optimiser steps, unless the time is limited instead."""
    side: int = 32
    """Rows and columns of the training cuts, multiples of 8 and at most those of a patch."""
    batch: int = 12
    """Inputs per step."""
    training_count: int = 600
    """Phantoms to train on, one input each."""
    validation_count: int = 24
    """Phantoms that choose the checkpoint."""
    test_count: int = 60
    """Held-out phantoms, seen once, after the training."""
    patch: tuple[int, int, int] = (16, 64, 64)
    """Slices, rows and columns of a patch."""
    deposits: bool = True
    """Paint dark balls into the brain: a bleed is a hole on SWI that belongs to its region."""


RECIPES: dict[str, DetectorRecipe | RegionsRecipe] = {
    "detector": DetectorRecipe(),
    "regions": RegionsRecipe(),
}
"""By the word that the command line takes."""
