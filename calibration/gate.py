"""The gate: does a quantised network answer as the FP32 network does, on frames it has not seen?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calibration.errors import CalibrationError
from calibration.frames import Selection
from calibration.progress import Track, silent
from sdk.backends import Backend
from sdk.tasks import QualityAnswer, Vessels, dice


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How closely a quantised network must answer."""

    min_dice: float = 0.98
    """Mean Dice of its vessel masks against those of FP32."""
    min_same_grade: float = 0.99
    """Share of the frames with the same grade, for tasks that grade."""


@dataclass(kw_only=True)
class Agreement:
    """How closely the answers of two graphs agree.

    Attributes:
        dice: of the vessel masks, per frame; two empty masks agree.
        same_grade: per frame, empty for tasks that do not grade.
        differing_pixels: of all vessel masks together.
        pixels: of all frames together.
    """

    dice: list[float] = field(default_factory=list)
    same_grade: list[bool] = field(default_factory=list)
    differing_pixels: int = 0
    pixels: int = 0

    def add(self, expected: Any, got: Any) -> None:
        """Counts one frame.

        Raises:
            CalibrationError: the answers hold no vessels.
        """
        masks = _vessels(expected).mask, _vessels(got).mask
        self.dice.append(dice(*masks))
        self.differing_pixels += int(np.count_nonzero(masks[0] != masks[1]))
        self.pixels += masks[0].size
        if isinstance(expected, QualityAnswer) and isinstance(got, QualityAnswer):
            self.same_grade.append(expected.grade == got.grade)

    def summary(self) -> dict[str, float | int]:
        """For the report."""
        found: dict[str, float | int] = {
            "frames": len(self.dice),
            "dice_mean": round(float(np.mean(self.dice)), 6),
            "dice_min": round(min(self.dice), 6),
            "same_pixels": round(1 - self.differing_pixels / self.pixels, 8),
        }
        if self.same_grade:
            found["same_grade"] = round(float(np.mean(self.same_grade)), 6)
        return found

    def shortfalls(self, tolerance: Tolerance) -> list[str]:
        """What lies outside a tolerance, in words; empty: nothing."""
        short = []
        mean = float(np.mean(self.dice))
        if not mean >= tolerance.min_dice:
            short.append(f"mean Dice {mean:.4f}, expected {tolerance.min_dice:g}")
        share = float(np.mean(self.same_grade)) if self.same_grade else 1.0
        if not share >= tolerance.min_same_grade:
            short.append(f"same grade on {share:.1%}, expected {tolerance.min_same_grade:.1%}")
        return short


def compare(
    backends: Mapping[str, Backend], held_out: Selection, track: Track = silent
) -> dict[tuple[str, str], Agreement]:
    """Answers every held-out frame with every graph, and compares each graph with each later one.

    Args:
        backends: precision -> the graph, FP32 first.
        held_out: frames, none of which gave a range.
        track: shows how far it is.
    """
    names = list(backends)
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    found = {pair: Agreement() for pair in pairs}
    for index in track(range(len(held_out)), "comparing with FP32"):
        answers = {name: answer(backend, held_out, index) for name, backend in backends.items()}
        for (a, b), agreement in found.items():
            agreement.add(answers[a], answers[b])
    return found


def answer(backend: Backend, held_out: Selection, index: int) -> Any:
    """What a graph answers on a frame."""
    frame = held_out.frame(index)
    held_out.task.preprocess(frame, backend.inputs)
    backend.run()
    return held_out.task.postprocess(backend.outputs, frame)


def _vessels(answer: Any) -> Vessels:
    vessels = getattr(answer, "vessels", answer)
    if not isinstance(vessels, Vessels):
        raise CalibrationError(
            f"an answer of type {type(answer).__name__} holds no vessels to compare; calibrate "
            "folders of the tasks angiogram_quality and segmentation"
        )
    return vessels
