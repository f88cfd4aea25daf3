"""How closely two graphs answer: the task's own metric, frame by frame and run by run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import floor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from calibration.errors import CalibrationError
from sdk.tasks import ArteryAnswer, QualityAnswer, Vessels, dice


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How closely a quantised network must answer."""

    min_dice: float = 0.98
    """Mean Dice of its vessel masks against those of FP32."""
    min_same_grade: float = 0.99
    """Share of the frames with the same grade, for tasks that grade."""
    max_lost_sensitivity: float = 0.0
    """By which lesion sensitivity may lie below that of FP32, for detectors."""
    max_more_false_positives: float = 0.1
    """By which false positives per subject may lie above those of FP32."""
    min_same_region: float = 0.98
    """Share of the bleeds that both find with the same region."""

    def on_hardest(self, few: int, of: int) -> "Tolerance":
        """The same for the few frames that suffer most, if the others all have the same grade.

        Other frames may come out a little worse: only half of the allowed grade changes may happen
        on these frames. Where they are more than half of all, the Dice limit is raised by a quarter
        of its slack.
        """
        lost = (1 - self.min_same_grade) / 2 * of / max(few, 1)
        in_hand = (1 - self.min_dice) / 4 if of < 2 * few else 0.0
        return replace(self, min_same_grade=max(0.0, 1 - lost), min_dice=self.min_dice + in_hand)


class Measured(Protocol):
    """What comes out of comparing two graphs on the same inputs, counted one by one."""

    def add(self, expected: Any, got: Any, *, ends_run: bool = False) -> None:
        """Counts one answer of each."""

    def summary(self) -> dict[str, float | int]:
        """For the report."""

    def shortfalls(self, tolerance: Any) -> list[str]:
        """What lies outside a tolerance, in words; empty: nothing."""

    def scores(self) -> Mapping[str, float]:
        """Measure -> how alike, the more the better."""

    def blind(self) -> str:
        """Why these inputs cannot tell good graphs from bad ones, in words; empty: they can."""


def gain(one: Measured, other: Measured) -> float:
    """By how much the measures of one lie above those of another, added up.

    What is not measured is perfect.
    """
    ours, theirs = one.scores(), other.scores()
    return sum(ours.get(name, 1.0) - theirs.get(name, 1.0) for name in {**ours, **theirs})


@dataclass(kw_only=True)
class Agreement:
    """How closely the answers of two graphs agree on frames.

    Attributes:
        dice: of the vessel masks, per frame; two empty masks agree.
        marked: per frame, whether either graph marks anything; the means are over such frames.
        same_grade: per frame, empty for tasks that do not grade.
        run_dice: of the vessel masks after the last frame of each run on which either graph marks
            anything, for tasks that follow runs.
        filled_dice: of what is filled with contrast, all frames of a run as one mask, the same.
        with_vessels: frames of which the first graph marks a part; on others there is nothing to
            agree upon.
        differing_pixels: of all vessel masks together.
        pixels: of all frames together.
    """

    dice: list[float] = field(default_factory=list)
    marked: list[bool] = field(default_factory=list)
    same_grade: list[bool] = field(default_factory=list)
    run_dice: list[float] = field(default_factory=list)
    filled_dice: list[float] = field(default_factory=list)
    with_vessels: int = 0
    differing_pixels: int = 0
    pixels: int = 0
    _filled: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = field(default_factory=list)

    def add(self, expected: Any, got: Any, *, ends_run: bool = False) -> None:
        """Counts one frame.

        Raises:
            CalibrationError: the answers hold no vessels.
        """
        masks = _vessels(expected).mask, _vessels(got).mask
        self.dice.append(dice(*masks))
        self.marked.append(any(mask.any() for mask in masks))
        self.with_vessels += 0 < int(np.count_nonzero(masks[0])) < masks[0].size
        self.differing_pixels += int(np.count_nonzero(masks[0] != masks[1]))
        self.pixels += masks[0].size
        if isinstance(expected, QualityAnswer) and isinstance(got, QualityAnswer):
            self.same_grade.append(expected.grade == got.grade)
        if isinstance(expected, ArteryAnswer) and isinstance(got, ArteryAnswer):
            self._filled.append((expected.filled.mask, got.filled.mask))
            if ends_run:
                self._end_run()

    def _end_run(self) -> None:
        if self.marked[-1]:
            self.run_dice.append(self.dice[-1])
        expected, got = (np.concatenate(masks) for masks in zip(*self._filled, strict=True))
        if expected.any() or got.any():
            self.filled_dice.append(dice(expected, got))
        self._filled.clear()

    def _dice_of_marked(self) -> list[float]:
        return [value for value, counts in zip(self.dice, self.marked, strict=True) if counts]

    def scores(self) -> Mapping[str, float]:
        """Mean of every measure that the task has: 0, nothing alike, to 1."""
        measured: dict[str, Sequence[float]] = {
            "dice": self.run_dice or self._dice_of_marked(),
            "filled_dice": self.filled_dice,
            "same_grade": self.same_grade,
        }
        return {name: float(np.mean(values)) for name, values in measured.items() if values}

    def summary(self) -> dict[str, float | int]:
        """For the report."""
        found: dict[str, float | int] = {
            "frames": len(self.dice),
            "frames_with_vessels": self.with_vessels,
            "dice_mean": round(float(np.mean(self._dice_of_marked() or [1.0])), 6),
            "dice_min": round(min(self.dice), 6),
            "same_pixels": round(1 - self.differing_pixels / self.pixels, 8),
        }
        if self.run_dice:
            found |= {
                "runs": len(self.run_dice),
                "dice_after_run_mean": round(float(np.mean(self.run_dice)), 6),
                "dice_after_run_min": round(min(self.run_dice), 6),
                "filled_dice_mean": round(float(np.mean(self.filled_dice)), 6),
            }
        if self.same_grade:
            found["same_grade"] = round(float(np.mean(self.same_grade)), 6)
        return found

    def shortfalls(self, tolerance: Tolerance) -> list[str]:
        """What lies outside a tolerance, in words; empty: nothing."""
        scores, short = self.scores(), []
        title = "mean Dice after each run" if self.run_dice else "mean Dice"
        for name, words in (("dice", title), ("filled_dice", "mean Dice of what is filled")):
            if name in scores and not scores[name] >= tolerance.min_dice:
                short.append(f"{words} {_below(scores[name])}, expected {tolerance.min_dice:g}")
        share = scores.get("same_grade", 1.0)
        if not share >= tolerance.min_same_grade:
            short.append(f"same grade on {share:.1%}, expected {tolerance.min_same_grade:.1%}")
        return short

    def blind(self) -> str:
        """Why these frames cannot tell good graphs from bad ones, in words; empty: they can."""
        if self.with_vessels:
            return ""
        return (
            f"FP32 marks nothing, or everything, on each of the {len(self.dice)} held-out "
            "frames, so that they cannot tell good graphs from bad ones; give frames that show "
            "vessels, or check what the network was imported with (--channel, --values, --low, "
            "--high, --threshold)"
        )


def _below(score: float) -> str:
    """Four digits, rounded down: what falls short does not read as if it did not."""
    return f"{floor(score * 1e4) / 1e4:.4f}"


def nothing_to_judge(agreements: Mapping[tuple[str, str], Measured]) -> str:
    """Why agreement on what was held out says nothing, empty if it does say something."""
    with_fp32 = (them for (reference, _), them in agreements.items() if reference == "fp32")
    first = next(with_fp32, None)
    return first.blind() if first else ""


def _vessels(answer: Any) -> Vessels:
    vessels = getattr(answer, "vessels", answer)
    if not isinstance(vessels, Vessels):
        raise CalibrationError(
            f"an answer of type {type(answer).__name__} holds no vessels to compare; calibrate "
            "folders of the tasks of this SDK"
        )
    return vessels
