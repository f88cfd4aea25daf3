"""From a model folder and frames to quantised graphs, their ranges and what was measured."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from calibration.candidate import FORMS, TRIAL_FRAMES, Candidate, Source
from calibration.choose import Trial, choose_for_all, choose_per_tensor
from calibration.collect import CollectOptions, largest_magnitudes
from calibration.errors import CalibrationError
from calibration.examples import Example, draw_examples
from calibration.folder import GRAPHS, RANGES, Quantised, golden_tolerances
from calibration.forms import compare_typed, typed_forms
from calibration.frames import Selection, pick_frames, select, split
from calibration.gate import Agreement, Tolerance, compare
from calibration.graph import read_graph
from calibration.histogram import Histogram
from calibration.page import write_report
from calibration.placement import place
from calibration.progress import Track
from calibration.ranges import Range, dump_ranges, limits_of, share_limits
from calibration.recovery import STEPS, Remedy, Step, recover, told_of_step
from calibration.runs import open_runs
from sdk.backends import open_backend
from sdk.model_folder import ModelFolder, sha256_of
from sdk.tasks import make_task

Choice = Literal["best", "per-tensor", "minmax", "percentile", "mse", "entropy"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a network is quantised."""

    count: int = 64
    """Frames that give the ranges."""
    held_out: Sequence[Path] = ()
    """Runs to compare on; empty: frames between those that give the ranges."""
    held_out_count: int = 32
    """Frames to compare on."""
    ranges: Choice = "best"
    """Method, or how to choose between them."""
    keep_float: Sequence[str] = ()
    """Names of operations to leave in float; ``*`` stands for any part of a name."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Tensor -> limit that replaces the one found."""
    recover: Sequence[Step] = STEPS
    """What is tried where the network falls short on frames of its own."""
    tolerance: Tolerance = field(default_factory=Tolerance)
    """Within which the graphs are certified."""
    examples: int = 3
    """Held-out frames pictured in the report; 0: none."""
    threads: int | None = None
    """Threads inside one operator; None: every core."""
    resume: Path | None = None
    """Folder that keeps histograms while calibration runs; the same frames go on from there."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out, not written yet.

    Attributes:
        quantised: what would join the model folder.
        ranges: of every tensor that carries a Q/DQ pair in one of the graphs.
        agreements: (precision, precision) -> how closely the answers agree.
        shortfalls: what lies outside the tolerance, in words; empty: certified.
        recovery: what was tried where the answers fell short, and what was measured.
        refused: picked frames that do not fit the task, with the reason.
    """

    quantised: Quantised
    ranges: Mapping[str, Range]
    agreements: Mapping[tuple[str, str], Agreement]
    shortfalls: tuple[str, ...]
    recovery: Sequence[Mapping[str, Any]]
    refused: tuple[str, ...]

    def lines(self) -> list[str]:
        """For a person."""
        told = [f"set aside: {reason}" for reason in self.refused]
        told += [*map(told_of_step, self.recovery), *self._clipped()]
        for (a, b), agreement in self.agreements.items():
            found = ", ".join(f"{name} {value}" for name, value in agreement.summary().items())
            told.append(f"{b} against {a}: {found}")
        return told + [f"outside the tolerance: {reason}" for reason in self.shortfalls]

    def _clipped(self) -> list[str]:
        """The tensor of which most is clipped; the report says it of every tensor."""
        name, most = max(self.ranges.items(), key=lambda item: item[1].clipped)
        return [f"clipped most: {most.clipped:.4%} of {name}"] if most.clipped else []


def quantise(
    folder: ModelFolder, frames: Sequence[Path], options: Options, track: Track
) -> Outcome:
    """Collects ranges, makes every form and compares it with FP32; writes nothing.

    Raises:
        CalibrationError: the network cannot be quantised, or not with these frames.
    """
    path = folder.graph("fp32")
    graph = read_graph(path)
    placement = place(graph, options.keep_float)
    seen, held_out = _select(folder, frames, options, track)
    shelf = _shelf(folder, seen, options.resume) if options.resume else None
    collecting = CollectOptions(threads=options.threads, shelf=shelf)
    choose = partial(_choose, options)
    source = Source(path=path, frames=seen, choose=choose, collecting=collecting, track=track)
    candidate, recovery = recover(source.make(graph, placement), source, _remedy(options))
    graphs = {precision: candidate.write(precision) for precision in FORMS}
    agreements, golden, examples = _compare(folder, graphs, held_out, options, track)
    largest = largest_magnitudes(candidate.graph, seen.first(TRIAL_FRAMES), collecting, track)
    typed, typing = typed_forms(candidate.graph, graphs["int8"], largest)
    more = compare_typed(folder, typed, held_out, options.threads, track)
    graphs, agreements, golden = graphs | typed, agreements | more[0], golden | more[1]
    shortfalls = _shortfalls(agreements, options.tolerance)
    origin = _origin(options, (seen, held_out), agreements, shortfalls)
    report = origin | _details(candidate, (seen, held_out)) | {"recovery": recovery} | typing
    files = {GRAPHS[precision]: content for precision, content in graphs.items()}
    files[RANGES] = dump_ranges(candidate.ranges, seen.sha256, sha256_of(path))
    files |= write_report(folder.manifest.task, report, candidate.histograms, examples)
    return Outcome(
        quantised=Quantised(files=files, golden=golden, origin=origin),
        ranges=candidate.ranges,
        agreements=agreements,
        shortfalls=shortfalls,
        recovery=recovery,
        refused=(*seen.refused, *held_out.refused),
    )


def _shortfalls(
    agreements: Mapping[tuple[str, str], Agreement], tolerance: Tolerance
) -> tuple[str, ...]:
    return tuple(
        f"{precision}: {reason}"
        for (reference, precision), agreement in agreements.items()
        if reference == "fp32"
        for reason in agreement.shortfalls(tolerance)
    )


def _remedy(options: Options) -> Remedy:
    return Remedy(steps=options.recover, tolerance=options.tolerance, keep_float=options.keep_float)


def _select(
    folder: ModelFolder, frames: Sequence[Path], options: Options, track: Track
) -> tuple[Selection, Selection]:
    task, intended = make_task(folder), folder.manifest.intended_input
    runs = open_runs(frames)
    if options.held_out:
        others = open_runs(options.held_out)
        picks, aside = pick_frames(runs, options.count), pick_frames(others, options.held_out_count)
    else:
        others = runs
        wanted = pick_frames(runs, options.count + options.held_out_count)
        share = options.held_out_count / (options.count + options.held_out_count)
        picks, aside = split(wanted, max(1, round(share * len(wanted))))
    seen = select(runs, picks, task, intended, track)
    held_out = select(others, aside, task, intended, track)
    if options.held_out and seen.sha256 == held_out.sha256:
        raise CalibrationError("the held-out frames are those of --frames; give other runs")
    return seen, held_out


def _shelf(folder: ModelFolder, seen: Selection, resume: Path) -> Path:
    """Where histograms are kept of these frames, prepared as this folder says."""
    manifest = folder.manifest
    prepared = json.dumps([seen.sha256, manifest.task, manifest.options], sort_keys=True)
    return resume / hashlib.sha256(prepared.encode()).hexdigest()


def _choose(
    options: Options,
    trial: Trial,
    histograms: Mapping[str, Histogram],
    groups: Sequence[Sequence[str]],
    track: Track,
) -> tuple[dict[str, Range], dict[str, float]]:
    match options.ranges:
        case "best":
            ranges, qualities = choose_for_all(trial, histograms, groups, track)
        case "per-tensor":
            ranges, qualities = choose_per_tensor(trial, histograms, groups, track)
        case method:
            limits = limits_of(histograms, method)
            ranges, qualities = share_limits(limits, histograms, groups), {}
    if not options.limits:
        return ranges, qualities
    unknown = set(options.limits) - set(histograms)
    if unknown == set(options.limits):
        raise CalibrationError(
            f"the calibration cache names none of the tensors to quantise, such as "
            f"{next(iter(histograms))}; it belongs to another network"
        )
    limits = {name: (item.method, item.limit) for name, item in ranges.items()}
    limits |= {
        name: ("loaded", limit) for name, limit in options.limits.items() if name in histograms
    }
    return share_limits(limits, histograms, groups), qualities


def _compare(
    folder: ModelFolder,
    graphs: Mapping[str, bytes],
    held_out: Selection,
    options: Options,
    track: Track,
) -> tuple[dict[tuple[str, str], Agreement], dict[str, dict[str, float]], list[Example]]:
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        paths = {"fp32": folder.graph("fp32")}
        for precision, content in graphs.items():
            paths[precision] = place / GRAPHS[precision]
            paths[precision].write_bytes(content)
        backends = {
            precision: stack.enter_context(closing(open_backend(path, threads=options.threads)))
            for precision, path in paths.items()
        }
        golden = {name: golden_tolerances(folder, backends[name]) for name in graphs}
        agreements = compare(backends, held_out, track)
        return agreements, golden, draw_examples(backends, held_out, agreements, options.examples)


def _origin(
    options: Options,
    selections: tuple[Selection, Selection],
    agreements: Mapping[tuple[str, str], Agreement],
    shortfalls: Sequence[str],
) -> dict[str, Any]:
    """What manifest and report both say."""
    seen, held_out = selections
    return {
        "certified": not shortfalls,
        "shortfalls": list(shortfalls),
        "tolerance": asdict(options.tolerance),
        "ranges": options.ranges,
        "frames": {"count": len(seen), "sha256": seen.sha256},
        "held_out": {"count": len(held_out), "sha256": held_out.sha256},
        "agreement": {f"{b} against {a}": them.summary() for (a, b), them in agreements.items()},
        "versions": {name: version(name) for name in ("numpy", "onnx", "onnxruntime")},
    }


def _details(candidate: Candidate, selections: tuple[Selection, Selection]) -> dict[str, Any]:
    """What the report says beyond the manifest."""
    seen, held_out = selections
    placement = candidate.placement
    return {
        "output_signal_over_noise_db": dict(candidate.qualities),
        "decisions": [asdict(decision) for decision in placement.decisions],
        "shared_scales": [list(group) for group in placement.groups],
        "tensors": {
            name: {
                "limit": item.limit,
                "method": item.method,
                "clipped": item.clipped,
                "in_both_graphs": name in placement.tensorrt.pairs,
            }
            for name, item in candidate.ranges.items()
        },
        "calibration_frames": [seen.label(pick) for pick in seen.picks],
        "held_out_frames": [held_out.label(pick) for pick in held_out.picks],
        "refused_frames": [*seen.refused, *held_out.refused],
    }
