"""One graph of a model folder on its way to INT8: read, placed, ranged, and recovered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from calibration.candidate import Candidate, Source
from calibration.choose import Trial, choose_for_all, choose_per_tensor
from calibration.collect import CollectOptions
from calibration.errors import CalibrationError
from calibration.fewer import with_fewer
from calibration.frames import Selection
from calibration.histogram import Histogram
from calibration.options import Choice, Options
from calibration.placement import place
from calibration.progress import Track
from calibration.quantisable import read_quantisable
from calibration.ranges import Range, limits_of, share_limits
from calibration.recovery import Remedy, recover

Recovery = list[dict[str, Any]]
"""What was tried, and what was measured."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """What is to be quantised, and with which frames.

    Attributes:
        path: the FP32 graph.
        frames: give the ranges.
        states: inputs that it takes from its own last run: input name -> output name.
        shelf: folder that keeps finished histograms; None: nowhere.
        ranges: how they are chosen, unless the options say otherwise.
        group_bytes: activations looked at in one run of the graph.
    """

    path: Path
    frames: Selection
    states: Mapping[str, str]
    shelf: Path | None = None
    ranges: Choice = "best"
    group_bytes: int = CollectOptions.group_bytes


def make_candidates(
    network: Network, options: Options, track: Track
) -> tuple[Candidate, Candidate | None, Recovery]:
    """The candidate to judge on held-out data, one with fewer INT8 operations if it is asked for,
    and what recovery tried.

    Raises:
        CalibrationError: the network cannot be quantised, or not with these frames.
    """
    graph = read_quantisable(network.path, {} if options.int8_states else network.states)
    source = Source(
        path=network.path,
        frames=network.frames,
        choose=partial(_choose, options.ranges or network.ranges, options.limits),
        collecting=collecting(network, options),
        track=track,
    )
    remedy = Remedy(
        steps=options.recover, tolerance=options.tolerance, keep_float=options.keep_float
    )
    plain = source.make(graph, place(graph, options.keep_float, x86=options.x86))
    candidate, told = recover(plain, source, remedy)
    return candidate, with_fewer(candidate, source) if options.fewer else None, told


def collecting(network: Network, options: Options) -> CollectOptions:
    """How its histograms are collected."""
    return CollectOptions(
        threads=options.threads, shelf=network.shelf, group_bytes=network.group_bytes
    )


def _choose(
    choice: Choice,
    limits: Mapping[str, float],
    trial: Trial,
    histograms: Mapping[str, Histogram],
    *more: Any,
) -> tuple[dict[str, Range], dict[str, float]]:
    groups, track = more
    match choice:
        case "best":
            ranges, qualities = choose_for_all(trial, histograms, groups, track)
        case "per-tensor":
            ranges, qualities = choose_per_tensor(trial, histograms, groups, track)
        case method:
            ranges, qualities = share_limits(limits_of(histograms, method), histograms, groups), {}
    return (_limited(ranges, limits, histograms, groups) if limits else ranges), qualities


def _limited(
    ranges: Mapping[str, Range],
    limits: Mapping[str, float],
    histograms: Mapping[str, Histogram],
    groups: Sequence[Sequence[str]],
) -> dict[str, Range]:
    """The ranges with given limits in place of those found."""
    if not set(limits) & set(histograms):
        raise CalibrationError(
            f"the calibration cache names none of the tensors to quantise, such as "
            f"{next(iter(histograms))}; it belongs to another network"
        )
    both = {name: (item.method, item.limit) for name, item in ranges.items()}
    both |= {name: ("loaded", limit) for name, limit in limits.items() if name in histograms}
    return share_limits(both, histograms, groups)
