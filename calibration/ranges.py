"""The largest magnitude that each quantised tensor keeps: symmetric, per tensor."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibration.histogram import Histogram
from calibration.weights import LEVELS, SMALLEST_SCALE

Method = Literal["minmax", "percentile", "mse", "entropy"]
PERCENTILE = 99.99
STEP = 16
"""Bins between two candidates of mse and entropy."""
TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class Range:
    """What one tensor keeps of its values.

    Attributes:
        limit: largest magnitude kept; 127 signed steps.
        low: smallest value seen, in all tensors of its group.
        high: largest value seen, in all tensors of its group.
        method: how the limit was chosen.
        clipped: fraction of this tensor's values beyond the limit.
    """

    limit: float
    low: float
    high: float
    method: str
    clipped: float


def minmax(histogram: Histogram) -> float:
    """Nothing is clipped."""
    return histogram.largest


def percentile(histogram: Histogram) -> float:
    """The edge of the bin below which `PERCENTILE` percent of the magnitudes lie."""
    share = np.cumsum(histogram.counts) / max(1, histogram.counts.sum())
    kept = int(np.searchsorted(share, PERCENTILE / 100)) + 1
    return float(histogram.edges[min(kept, histogram.bins)])


def mse(histogram: Histogram) -> float:
    """The least mean squared error of rounding and clipping, over the bins' centres."""
    edges = histogram.edges
    centres, counts = (edges[:-1] + edges[1:]) / 2, _counts_beside_zero(histogram)
    errors = []
    for kept in _candidates(histogram.bins):
        scale = max(edges[kept] / LEVELS, TINY)
        restored = np.minimum(np.rint(centres / scale), LEVELS) * scale
        errors.append(float(counts @ (centres - restored) ** 2))
    return float(edges[_candidates(histogram.bins)[_last_least(errors)]])


def entropy(histogram: Histogram) -> float:
    """The least information lost: KL divergence of the clipped counts from their 128 levels.

    The candidates reach from 128 bins to all of them, so that a level merges several bins
    (Migacz, 8-bit inference with TensorRT, GTC 2017).
    """
    counts = _counts_beside_zero(histogram)
    losses = [divergence(counts, kept) for kept in _candidates(histogram.bins)]
    return float(histogram.edges[_candidates(histogram.bins)[_last_least(losses)]])


def divergence(counts: NDArray[np.float64], kept: int) -> float:
    """KL divergence of the first `kept` bins, the rest clipped into the last, from 128 levels.

    Each level spreads its count evenly over its bins that are not empty.
    """
    clipped = counts[:kept].copy()
    clipped[-1] += counts[kept:].sum()
    total, inside = clipped.sum(), counts[:kept]
    if total == 0:
        return 0.0
    level = np.arange(kept) * (LEVELS + 1) // kept
    filled = inside > 0
    per_level = np.bincount(level, weights=inside, minlength=LEVELS + 1)
    bins_of = np.maximum(1, np.bincount(level[filled], minlength=LEVELS + 1))
    spread = np.where(filled, (per_level / bins_of)[level], 0.0)
    expected = clipped / total
    got = np.maximum(spread / max(spread.sum(), TINY), TINY)
    there = expected > 0
    return float(np.sum(expected[there] * np.log(expected[there] / got[there])))


METHODS: dict[Method, Callable[[Histogram], float]] = {
    "minmax": minmax,
    "percentile": percentile,
    "mse": mse,
    "entropy": entropy,
}
Limits = Mapping[str, tuple[str, float]]


def limits_of(histograms: Mapping[str, Histogram], method: Method) -> dict[str, tuple[str, float]]:
    """Tensor -> (method, limit), every tensor by itself."""
    choose = METHODS[method]
    return {name: (method, choose(histogram)) for name, histogram in histograms.items()}


def share_limits(
    limits: Limits, histograms: Mapping[str, Histogram], groups: Sequence[Sequence[str]]
) -> dict[str, Range]:
    """Ranges from limits; tensors of a group take the largest limit and extremes of theirs."""
    group_of = {name: group for group in groups for name in group}
    ranges = {}
    for name, histogram in histograms.items():
        members = group_of.get(name, (name,))
        widest = max(members, key=lambda member: limits[member][1])
        method, limit = limits[widest]
        limit = max(limit, LEVELS * SMALLEST_SCALE)
        ranges[name] = Range(
            limit=limit,
            low=min(histograms[member].low for member in members),
            high=max(histograms[member].high for member in members),
            method=method,
            clipped=histogram.clipped(limit),
        )
    return ranges


def dump_ranges(ranges: Mapping[str, Range], data: str, graph: str) -> bytes:
    """ranges.json: every tensor's range, with the hashes of the frames and of the graph."""
    tensors = {name: asdict(item) for name, item in ranges.items()}
    content = {"data_sha256": data, "graph_sha256": graph, "tensors": tensors}
    return (json.dumps(content, indent=2) + "\n").encode()


def _counts_beside_zero(histogram: Histogram) -> NDArray[np.float64]:
    """Counts without the exact zeros that a ReLU makes: they cost nothing at any limit."""
    counts = histogram.counts.astype(np.float64)
    counts[0] -= histogram.zeros
    return counts


def _candidates(bins: int) -> range:
    """How many bins to keep: from one per level to all."""
    return range(bins, min(LEVELS, bins - 1), -STEP)[::-1]


def _last_least(losses: Sequence[float]) -> int:
    """Where the least is; of several, the one that clips least."""
    return max(range(len(losses)), key=lambda place: (-losses[place], place))
