"""The recipes of the artery networks: full masks, scribbles, self-training, and the stream."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from training.datasets.sequence_folder import read_sequences
from training.datasets.sequence_pool import SequencePool, cached
from training.losses.artery_sequence import DistillationWeights, ScribbleWeights
from training.networks.artery_projection import Projection, ProjectionNet, ReducedInput
from training.networks.artery_sequence import VssNet
from training.networks.artery_stream import SHIPPED
from training.networks.sequence_blocks import SequenceConfig

if TYPE_CHECKING:
    from torch import nn

Kind = Literal["SALE", "RDFA"]
TEACHER = SHIPPED
"""VSS-Net in the shape of the streaming network that it teaches; BatchNorm allows whole frames."""


@dataclass(frozen=True, kw_only=True)
class SequenceRecipe:
    """What every training on sequences has; by itself full supervision (FSS)."""

    network: SequenceConfig = TEACHER
    """Shape of the network."""
    input: Literal["sequence"] | Projection = "sequence"
    """The whole sequence, or what of it the network sees instead."""
    flat: bool = False
    """Whether a 2-D FR-UNet of the same first width answers on a projection instead of VSS-Net."""
    by_patches: bool = False
    """Answer by overlapping patches of 64 x 64, as networks with InstanceNorm must."""
    frames: int = 8
    """Frames of a training sequence; answers may be asked on any number."""
    side: int = 96
    """Side of the training crops in pixels."""
    batch: int = 8
    """Crops per step."""
    steps: int = 800
    """Optimiser steps, unless the time is limited instead."""
    size: int = 512
    """Side of a phantom frame in pixels."""
    training_sequences: int = 320
    """Phantoms to train on."""
    validation_sequences: int = 12
    """Phantoms that choose the checkpoint."""
    test_sequences: int = 60
    """Held-out phantoms, seen once, after the training."""
    training_seed: int = 31_000_000
    """Seed of the first training phantom."""
    validation_seed: int = 32_000_000
    """Seed of the first validation phantom."""
    test_seed: int = 33_000_000
    """Seed of the first held-out phantom."""
    seed: int = 7
    """Seed of the weights and of the order of the batches."""
    learning_rate: float = 2e-3
    """Highest learning rate."""
    final_rate: float = 0.01
    """Last learning rate as a fraction of the highest."""
    warm_up_steps: int = 60
    """Steps of the linear warm-up."""
    weight_decay: float = 1e-2
    """AdamW's decay."""
    gradient_clip: float = 12.0
    """Largest norm of the gradient."""
    average_decay: float = 0.99
    """Decay per step of the averaged weights, which are the ones that are kept."""
    validate_every_s: float = 600.0
    """Seconds between validations."""
    data: str | None = None
    """Folder of DIAS, or of pictures with masks, to train on in the place of phantoms."""
    phantoms: str | None = None
    """Folder that keeps the phantoms for several trainings; by default each keeps its own."""
    threads: int = 2
    """Threads that a layer is computed with."""
    workers: int = 2
    """Processes that generate phantoms before the training."""
    device: str = "cpu"
    """Where torch computes, such as ``cuda``."""

    def seeds(self, part: str) -> range:
        """Seeds of the `training`, `validation` or `test` phantoms; the three never meet."""
        first: int = getattr(self, f"{part}_seed")
        count: int = getattr(self, f"{part}_sequences")
        return range(first, first + count)

    def pool(self, part: str, out: Path) -> SequencePool:
        """The sequences of `data`, or phantoms, made once.

        Phantoms are kept in `out` unless the recipe names a folder.
        """
        if self.data is not None:
            return read_sequences(Path(self.data), part, self.size)
        folder = Path(self.phantoms) if self.phantoms else out
        return cached(folder, self.seeds(part), self.size, workers=self.workers)

    def make(self) -> nn.Module:
        """A fresh network."""
        if self.flat and self.input == "sequence":
            raise ValueError("expected a projection as input of a flat network, got sequence")
        if self.input == "sequence":
            return VssNet(self.network)
        if self.flat:
            return ProjectionNet(self.network.widths[0], self.input, self.network.dropout)
        return ReducedInput(VssNet(self.network), self.input)


@dataclass(frozen=True, kw_only=True)
class ScribbleRecipe(SequenceRecipe):
    """Scribble supervision with consistency regularisation (SSCR): two networks, one answers."""

    kind: Kind = "RDFA"
    """Thin random lines from the full mask (RDFA), or thick strokes on main trunks (SALE)."""
    weights: ScribbleWeights = field(default_factory=ScribbleWeights)
    """What joins the partial cross-entropy; see there for the published ablation."""


@dataclass(frozen=True, kw_only=True)
class SelfTrainingRecipe(SequenceRecipe):
    """Random patch-based self-training (RPST): a teacher's masks for the unlabelled sequences."""

    labelled: int = 3
    """How many of the training sequences have a mask."""
    rounds: int = 3
    """How often a student is trained and becomes the next teacher."""
    pseudo_share: float = 0.5
    """Chance that a crop comes from an unlabelled sequence."""
    strong: bool = True
    """Whether such crops are strongly augmented; the published code has it both ways."""


@dataclass(frozen=True, kw_only=True)
class StreamRecipe(SequenceRecipe):
    """The streaming network, taught by prefixes with known truth and by a trained VSS-Net."""

    network: SequenceConfig = SHIPPED
    """Shape of the student."""
    teacher: SequenceConfig = TEACHER
    """Shape of the teacher, whose weights are given to the training."""
    begin_as_teacher: bool = True
    """Whether the student begins with the teacher's weights; both then have one shape."""
    steps: int = 350
    """Optimiser steps, unless the time is limited instead."""
    learning_rate: float = 1e-3
    """Highest learning rate."""
    weights: DistillationWeights = field(default_factory=DistillationWeights)
    """How the student is taught."""


PUBLISHED = replace(
    SequenceRecipe(),
    network=SequenceConfig(),
    by_patches=True,
    side=64,
    batch=64,
    steps=31_200,
    learning_rate=5e-4,
)
"""VSS-Net at full width with InstanceNorm on patches of 64 x 64: for a GPU."""
RECIPES: dict[str, SequenceRecipe] = {
    "full": SequenceRecipe(),
    "scribbles": ScribbleRecipe(),
    "self_training": SelfTrainingRecipe(),
    "stream": StreamRecipe(),
    "published": PUBLISHED,
}
"""By the word that the command line takes."""
