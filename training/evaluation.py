"""Scores of a trained angiogram quality network on a pool of phantoms."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from training.datasets.angiogram_pool import GRADES, AngiogramPool
from training.metrics import (
    Estimate,
    bootstrap_interval,
    confusion,
    dice,
    ordinal_error,
    wilson_interval,
)
from training.phantoms.quality import AXES

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from training.networks.angiogram_quality import AngiogramQualityNet


@dataclass(frozen=True, kw_only=True)
class Report:
    """Scores over the frames of a pool."""

    dice: Estimate
    """Mean Dice per frame against the whole tree inside the field, filled or not."""
    accuracy: Estimate
    """Share of frames with the right grade."""
    ordinal_error: float
    """Mean distance of the grades."""
    confusion: NDArray[np.int64]
    """(grades, grades): rows are true grades."""
    dice_of_grade: tuple[float, ...]
    """Mean Dice of the frames of each grade, from poor to good."""
    dice_per_frame: NDArray[np.float64]
    """(N,)."""
    predicted_grades: NDArray[np.int64]
    """(N,)."""

    def as_dict(self, pool: AngiogramPool) -> dict[str, Any]:
        """Plain numbers for a file, with the scores of each grade and of each deciding axis."""
        right = self.predicted_grades == pool.grades
        deciding = pool.severities.argmax(axis=1)
        return {
            "dice": asdict(self.dice),
            "accuracy": asdict(self.accuracy),
            "ordinal_error": self.ordinal_error,
            "confusion": self.confusion.tolist(),
            "dice_of_grade": list(self.dice_of_grade),
            "of_deciding_axis": {
                name: {
                    "frames": int(chosen.sum()),
                    "dice": float(self.dice_per_frame[chosen].mean()),
                    "accuracy": float(right[chosen].mean()),
                }
                for index, name in enumerate(AXES)
                if (chosen := deciding == index).any()
            },
        }


@torch.no_grad()
def evaluate(
    network: AngiogramQualityNet, pool: AngiogramPool, *, batch: int = 4, bfloat16: bool = False
) -> Report:
    """Run the network over whole frames; vessels are where the logit is positive."""
    network.eval().set_size(pool.inputs.shape[-1])
    overlaps, grades = [], []
    for start in range(0, len(pool), batch):
        frames = pool.whole(np.arange(start, min(start + batch, len(pool))))
        inputs = torch.from_numpy(frames.inputs).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            vessels, grade = network(inputs)
        found = (vessels > 0).numpy()
        overlaps += [dice(a, b > 0.5) for a, b in zip(found, frames.vessels, strict=True)]
        grades += grade.float().argmax(1).tolist()
    return score(np.array(overlaps), np.array(grades), pool.grades)


def score(
    overlaps: NDArray[np.float64], grades: NDArray[np.int64], truth: NDArray[np.int64]
) -> Report:
    """Report from the Dice and the predicted grade of every frame."""
    return Report(
        dice=bootstrap_interval(overlaps),
        accuracy=wilson_interval(int((grades == truth).sum()), len(truth)),
        ordinal_error=ordinal_error(grades, truth),
        confusion=confusion(grades, truth, GRADES),
        dice_of_grade=tuple(
            float(overlaps[truth == grade].mean()) if (truth == grade).any() else float("nan")
            for grade in range(GRADES)
        ),
        dice_per_frame=overlaps,
        predicted_grades=grades,
    )
