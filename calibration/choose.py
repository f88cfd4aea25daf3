"""Chooses between the methods of `ranges` by what they do to the outputs of the network."""

import tempfile
from collections.abc import Mapping, Sequence
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.collect import Feed
from calibration.histogram import Histogram
from calibration.placement import Placement
from calibration.progress import Track, silent
from calibration.qdq import Form, grid_of, scale_name, write_tunable
from calibration.quantisable import Quantisable
from calibration.ranges import METHODS, Method, Range, limits_of, share_limits
from sdk.backends import open_backend

TINY = 1e-30


class Trial:
    """Runs a graph beside its quantised form and measures how far the outputs lie apart."""

    def __init__(
        self,
        graph: Quantisable,
        placement: Placement,
        feed: Feed,
        path: Path,
        threads: int | None = None,
    ) -> None:
        """Takes a graph, its placement, the frames to measure on, and the FP32 file to be near."""
        with tempfile.TemporaryDirectory() as folder:
            tunable = Path(folder) / "tunable.onnx"
            tunable.write_bytes(write_tunable(graph, placement))
            self._tunable = open_backend(tunable, threads=threads)
        self._float = open_backend(path, threads=threads)
        self.pairs = placement.tensorrt.pairs
        self._feed = feed
        behind = graph.behind(self.pairs)  # other outputs are exact, a state that counts, say
        self._outputs = [name for name in self._float.outputs if name in behind]

    def close(self) -> None:
        """Releases both graphs."""
        self._tunable.close()
        self._float.close()

    def quality_db(self, ranges: Mapping[str, Range]) -> float:
        """Signal over noise of the outputs in dB, the mean over those that pairs can change."""
        for name in self.pairs:
            scale = grid_of(ranges[name], Form.TENSORRT).scale
            self._tunable.inputs[scale_name(name)][...] = scale
        total = dict.fromkeys(self._outputs, np.zeros(2))
        for index in range(len(self._feed)):
            self._feed.fill(index, self._float.inputs)
            for name, tensor in self._float.inputs.items():
                np.copyto(self._tunable.inputs[name], tensor)
            self._float.run()
            self._tunable.run()
            exact = {name: self._float.outputs[name] for name in self._outputs}
            for name, energy in energies(exact, self._tunable.outputs).items():
                total[name] = total[name] + energy
        return sum(decibel(*energy) for energy in total.values()) / len(total)


def energies(
    exact: Mapping[str, NDArray[Any]], got: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[np.float64]]:
    """Output -> energies of signal and noise."""
    found = {}
    for name, signal in exact.items():
        noise = got[name].astype(np.float64) - signal
        found[name] = np.array([np.square(signal, dtype=np.float64).sum(), np.square(noise).sum()])
    return found


def decibel(signal: float, noise: float) -> float:
    """Signal over noise in dB, of two energies."""
    return 10 * log10(max(signal, TINY) / max(noise, TINY))


def choose_for_all(
    trial: Trial,
    histograms: Mapping[str, Histogram],
    groups: Sequence[Sequence[str]],
    track: Track = silent,
) -> tuple[dict[str, Range], dict[str, float]]:
    """The one method whose outputs lie nearest, and every method's signal over noise in dB."""
    return _best_of(trial, _candidates(histograms, groups), track)


def _best_of(
    trial: Trial, candidates: Mapping[Method, dict[str, Range]], track: Track
) -> tuple[dict[str, Range], dict[str, float]]:
    found = {name: trial.quality_db(candidates[name]) for name in track(tuple(METHODS), "choosing")}
    best = max(found, key=lambda method: found[method])
    return candidates[best], {name: round(quality, 3) for name, quality in found.items()}


def choose_per_tensor(
    trial: Trial,
    histograms: Mapping[str, Histogram],
    groups: Sequence[Sequence[str]],
    track: Track = silent,
) -> tuple[dict[str, Range], dict[str, float]]:
    """Starts from `choose_for_all`, then tries every other method on every tensor in graph order.

    A group of tensors with one scale is tried as one.
    """
    candidates = _candidates(histograms, groups)
    best, found = _best_of(trial, candidates, track)
    most = trial.quality_db(best)
    grouped = {name for group in groups for name in group}
    units = [*groups, *((name,) for name in trial.pairs if name not in grouped)]
    for unit in track(units, "choosing per tensor"):
        for ranges in candidates.values():
            tried = best | {name: ranges[name] for name in unit}
            if tried != best and (quality := trial.quality_db(tried)) > most:
                best, most = tried, quality
    return best, found | {"per_tensor": round(most, 3)}


def _candidates(
    histograms: Mapping[str, Histogram], groups: Sequence[Sequence[str]]
) -> dict[Method, dict[str, Range]]:
    return {
        method: share_limits(limits_of(histograms, method), histograms, groups)
        for method in METHODS
    }
