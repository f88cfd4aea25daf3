"""How well vessels and grades agree with the truth, with 95 % intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sdk.tasks import dice as overlap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Z_95 = 1.959963984540054
"""Normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with the ends of its 95 % interval."""

    value: float
    """The number itself."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def dice(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Dice overlap of two masks of the same shape; 1 where both are empty.

    Raises:
        ValueError: the shapes differ.
    """
    if predicted.shape != truth.shape:
        message = (
            f"expected two masks of one shape, got {predicted.shape} and {truth.shape}; "
            "resize the prediction first"
        )
        raise ValueError(message)
    return overlap(truth, predicted)


def accuracy(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Fraction of equal grades."""
    return float(np.mean(np.asarray(predicted) == np.asarray(truth)))


def ordinal_error(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Mean absolute distance between grades."""
    return float(np.mean(np.abs(np.asarray(predicted, int) - np.asarray(truth, int))))


def confusion(predicted: ArrayLike, truth: ArrayLike, grades: int) -> NDArray[np.int64]:
    """(grades, grades) counts: rows are true grades, columns predicted ones."""
    counts = np.zeros((grades, grades), np.int64)
    np.add.at(counts, (np.asarray(truth, int), np.asarray(predicted, int)), 1)
    return counts


def wilson_interval(successes: int, trials: int) -> Estimate:
    """Proportion with its Wilson score interval (Wilson, JASA 22:209-212, 1927).

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    if not 0 <= successes <= trials or trials == 0:
        message = f"expected 0 <= successes <= trials and trials > 0, got {successes} of {trials}"
        raise ValueError(message)
    share = successes / trials
    spread = Z_95 * np.sqrt(share * (1 - share) / trials + Z_95**2 / (4 * trials**2))
    shrink = 1.0 + Z_95**2 / trials
    middle = (share + Z_95**2 / (2 * trials)) / shrink
    return Estimate(
        value=share,
        low=max(0.0, float(middle - spread / shrink)),
        high=min(1.0, float(middle + spread / shrink)),
    )


def bootstrap_interval(scores: ArrayLike, *, resamples: int = 2000, seed: int = 0) -> Estimate:
    """Mean of per-frame scores with its percentile bootstrap interval.

    Raises:
        ValueError: there are no scores.
    """
    sample = np.asarray(scores, np.float64)
    if sample.size == 0:
        message = "expected at least one score, got none; evaluate at least one frame"
        raise ValueError(message)
    rng = np.random.default_rng(seed)
    means = sample[rng.integers(0, sample.size, (resamples, sample.size))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(value=float(sample.mean()), low=float(low), high=float(high))
