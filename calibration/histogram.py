"""What is known of one tensor's values: extremes, then counts, however many values there were."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calibration.errors import CalibrationError

CHUNK = 1 << 17
"""Values counted at once: the temporaries stay in the cache and out of the memory account."""


@dataclass(kw_only=True)
class Histogram:
    """Magnitudes of one tensor over all frames, gathered in two passes of fixed memory.

    Attributes:
        tensor: its name.
        bins: of equal width, from 0 to the largest magnitude.
        low: smallest value.
        high: largest value.
        counts: (bins,) values per bin of magnitude.
        zeros: values that are exactly 0, which every scale represents exactly.
    """

    tensor: str
    bins: int = 2048
    low: float = np.inf
    high: float = -np.inf
    counts: NDArray[np.int64] = field(init=False, repr=False)
    zeros: int = 0

    def __post_init__(self) -> None:
        self.counts = np.zeros(self.bins, np.int64)

    @property
    def largest(self) -> float:
        """Largest magnitude."""
        return max(abs(self.low), abs(self.high))

    @property
    def edges(self) -> NDArray[np.float64]:
        """(bins + 1,) magnitudes between the bins."""
        return np.linspace(0.0, self.largest, self.bins + 1)

    def widen(self, values: NDArray[np.float32], frame: str) -> None:
        """First pass.

        Raises:
            CalibrationError: a value is NaN or infinite.
        """
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise CalibrationError(
                f"tensor {self.tensor} is NaN or infinite on {frame}; the network cannot be "
                "calibrated, look for overflow or division by zero in it"
            )
        self.low, self.high = min(self.low, low), max(self.high, high)

    def count(self, values: NDArray[np.float32]) -> None:
        """Second pass, over the same values."""
        flat = values.reshape(-1)
        per_value = self.bins / (self.largest or 1.0)
        for start in range(0, flat.size, CHUNK):
            magnitudes = np.abs(flat[start : start + CHUNK])
            self.zeros += magnitudes.size - int(np.count_nonzero(magnitudes))
            places = np.minimum((magnitudes * per_value).astype(np.int32), self.bins - 1)
            self.counts += np.bincount(places, minlength=self.bins)

    def clipped(self, limit: float) -> float:
        """Fraction of the values in bins beyond a magnitude."""
        beyond = self.counts[self.edges[:-1] >= limit * (1 - 1e-9)].sum()
        return float(beyond / max(1, self.counts.sum()))
