"""Scores of a trained angiogram quality network on a pool of phantoms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from sdk.backends.onnxruntime import OnnxRuntimeBackend
from sdk.frame import Frame
from sdk.model_folder import ModelFolder
from sdk.tasks import AngiogramQuality
from training.datasets.angiogram_pool import GRADES, UNGRADED, AngiogramPool
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
    from pathlib import Path
    from typing import Any

    from training.networks.angiogram_quality import AngiogramQualityNet


@dataclass(frozen=True, kw_only=True)
class Report:
    """Scores over the frames of a pool."""

    dice: Estimate
    """Mean Dice per frame against the whole tree inside the field, filled or not."""
    accuracy: Estimate | None
    """Share of graded frames with the right grade; None where no frame was graded."""
    ordinal_error: float | None
    """Mean distance of the grades; None where no frame was graded."""
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
            "accuracy": asdict(self.accuracy) if self.accuracy else None,
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
                if (chosen := (deciding == index) & pool.known).any()
            },
            "of_kind": {
                name: {
                    "frames": int(chosen.sum()),
                    "dice": float(self.dice_per_frame[chosen].mean()),
                    "accuracy": _share(right[chosen & (pool.grades != UNGRADED)]),
                }
                for name, chosen in (("subtracted", pool.subtracted), ("native", ~pool.subtracted))
                if chosen.any()
            },
        }


def _share(right: NDArray[np.bool_]) -> float | None:
    return float(right.mean()) if right.size else None


Predict = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Inputs (B, 1, side, side) -> logits of the vessels (B, 1, side, side), of the grades (B, K)."""


def evaluate(predict: Predict, pool: AngiogramPool, *, batch: int = 4) -> Report:
    """Run a network over whole frames; the vessels are those that a session delivers."""
    size = (pool.inputs.shape[1], pool.inputs.shape[2])
    task, frame = AngiogramQuality(size=size), Frame(pixels=np.zeros(size, np.uint8))
    overlaps, grades = [], []
    for start in range(0, len(pool), batch):
        frames = pool.whole(np.arange(start, min(start + batch, len(pool))))
        vessels, grade = predict(frames.inputs)
        for index, truth in enumerate(frames.vessels):
            one = slice(index, index + 1)
            answer = task.postprocess({"vessels": vessels[one], "grade": grade[one]}, frame)
            overlaps.append(dice(answer.vessels.mask > 0, truth[0] > 0.5))
        grades += grade.argmax(1).tolist()
    return score(np.array(overlaps), np.array(grades), pool.grades)


def by_torch(network: AngiogramQualityNet, size: int, *, bfloat16: bool = False) -> Predict:
    """The network as it is trained, on frames of size x size."""
    network.eval().set_size(size)
    device = next(network.parameters()).device

    @torch.no_grad()
    def predict(inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        frames = torch.from_numpy(inputs).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            vessels, grade = network(frames)
        return vessels.float().cpu().numpy(), grade.float().cpu().numpy()

    return predict


def by_folder(folder: Path, precision: str = "fp32") -> Predict:
    """The graph of a model folder, one frame at a time, as the device runs it.

    Raises:
        ModelFolderError: the folder is damaged or foreign.
    """
    backend = OnnxRuntimeBackend(ModelFolder.open(folder).graph(precision))

    def predict(inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        answers = []
        for frame in inputs:
            backend.inputs["frame"][...] = frame
            backend.run()
            answers.append([backend.outputs[name][0].copy() for name in ("vessels", "grade")])
        vessels, grades = zip(*answers, strict=True)
        return np.stack(vessels), np.stack(grades)

    return predict


def score(
    overlaps: NDArray[np.float64], grades: NDArray[np.int64], truth: NDArray[np.int64]
) -> Report:
    """Report from the Dice and the predicted grade of every frame."""
    graded = truth != UNGRADED
    some, right = int(graded.sum()), int((grades == truth).sum())
    return Report(
        dice=bootstrap_interval(overlaps),
        accuracy=wilson_interval(right, some) if some else None,
        ordinal_error=ordinal_error(grades[graded], truth[graded]) if some else None,
        confusion=confusion(grades[graded], truth[graded], GRADES),
        dice_of_grade=tuple(
            float(overlaps[truth == grade].mean()) if (truth == grade).any() else float("nan")
            for grade in range(GRADES)
        ),
        dice_per_frame=overlaps,
        predicted_grades=grades,
    )
