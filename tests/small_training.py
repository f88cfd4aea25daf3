"""A training of a few numbers; `torchrun small_training.py OUT NORM` shares it out."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from training.losses.angiogram_quality import vessel_loss
from training.recipes import curves
from training.recipes.loop import Loop, Validation, begin
from training.recipes.processes import Processes, leave

if TYPE_CHECKING:
    import numpy as np

PROCESSES = 2


@dataclass(frozen=True, kw_only=True)
class SmallRecipe:
    """As every recipe, with few steps."""

    norm: str = "group"
    steps: int = 4
    batch: int = 4
    seed: int = 3
    learning_rate: float = 0.05
    final_rate: float = 0.1
    warm_up_steps: int = 1
    gradient_clip: float = 0.5
    average_decay: float = 0.9
    validate_every_s: float = 0.0
    threads: int = 1
    device: str = "cpu"


class SmallNet(nn.Module):
    """Two convolutions; one number is asked of some pictures alone, one of none."""

    def __init__(self, norm: str) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4) if norm == "batch" else nn.GroupNorm(2, 4)
        self.last = nn.Conv2d(4, 1, 3, padding=1)
        self.seldom = nn.Parameter(torch.tensor(0.5))
        self.never = nn.Parameter(torch.tensor(0.5))

    def forward(self, images: Tensor, marked: Tensor) -> Tensor:
        answer = self.last(torch.relu(self.norm(self.first(images))))
        return answer + self.seldom * marked if marked.any() else answer


class SmallTraining(Loop["tuple[Tensor, Tensor, Tensor]"]):
    """In double precision, so that rounding cannot hide a wrong mean."""

    def __init__(self, recipe: SmallRecipe, out: Path) -> None:
        begin(recipe)
        self.recipe = recipe
        self.network = SmallNet(recipe.norm).double()
        optimiser = torch.optim.AdamW(self.network.parameters(), weight_decay=0.1)
        super().__init__(recipe, out, None, self.network, optimiser)

    def networks(self) -> dict[str, nn.Module]:
        return {"network": self.network}

    def draw(self, rng: np.random.Generator, stage: Any) -> tuple[Tensor, Tensor, Tensor]:
        return pictures(rng, self.share(self.recipe.batch), marked=self.processes.rank == 1)

    def loss(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        images, truth, marked = batch
        return vessel_loss(self.network.train()(images, marked), truth)

    def validate(self) -> Validation:
        return Validation(score=float(self.state.step), numbers={"dice": 0.5}, text="fine")


class WholeBatch(SmallTraining):
    """One process with what two would draw."""

    def draw(self, rng: np.random.Generator, stage: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Draws again what each process draws in this step, of which the generator tells no one."""
        step = self.step_of(rng)
        generators = [
            Processes(rank=rank, count=PROCESSES).generator(self.recipe.seed, step)
            for rank in range(PROCESSES)
        ]
        count = self.recipe.batch // PROCESSES
        parts = [pictures(g, count, marked=rank == 1) for rank, g in enumerate(generators)]
        images, truth, marked = (torch.cat(entry) for entry in zip(*parts, strict=True))
        return images, truth, marked

    def step_of(self, rng: np.random.Generator) -> int:
        """The step whose generator this is."""
        drawn = rng.random()
        for step in range(self.recipe.steps + 1):
            if Processes().generator(self.recipe.seed, step).random() == drawn:
                return step
        raise AssertionError("no step has this generator")


def pictures(
    rng: np.random.Generator, count: int, *, marked: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Noise, a mask, and whether `seldom` counts."""
    images = torch.from_numpy(rng.normal(size=(count, 1, 8, 8)))
    truth = (images + torch.from_numpy(rng.normal(size=images.shape)) > 1).double()
    return images, truth, torch.full((count, 1, 1, 1), float(marked)).double()


def main() -> None:
    """Trains, and lets every process write what it ends with."""
    out, norm, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    training = SmallTraining(SmallRecipe(norm=norm, steps=steps), out)
    curves.draw = lambda _: None  # slow, and tested by itself
    training.run()
    state = {k: v.contiguous() for k, v in training.network.state_dict().items()}
    save_file(state, out / f"rank{training.processes.rank}.safetensors")
    leave()


if __name__ == "__main__":
    main()
