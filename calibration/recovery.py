"""Accuracy recovery, where an INT8 network falls short: equalisation, biases, the fewest to float.

Each step is measured on the frames that suffer most, and kept if the outputs come nearer to FP32
and the answers do not get worse. No held-out frame is looked at.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from calibration.agreement import Tolerance
from calibration.bias import corrected, mean_shifts
from calibration.candidate import Candidate, Source
from calibration.equalise import equalise
from calibration.judge import Judge, Verdict, hardest
from calibration.quantisable import multiplications
from calibration.sensitivity import by_worth, fewest, rank
from calibration.wording import some

Step = Literal["equalise", "bias", "float"]
STEPS: tuple[Step, ...] = ("equalise", "bias", "float")
"""In the order in which they are tried."""
HARD_FRAMES = 24
"""On which candidates are judged."""


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What may be tried, and until when.

    Attributes:
        steps: of `STEPS`, in any order.
        tolerance: within which the search ends.
        keep_float: names of operations that are in float already.
    """

    steps: Collection[Step] = STEPS
    tolerance: Tolerance
    keep_float: Sequence[str] = ()


def recover(
    candidate: Candidate, source: Source, remedy: Remedy
) -> tuple[Candidate, list[dict[str, Any]]]:
    """Improves a candidate until it is within the tolerance on the hardest of its own frames.

    Returns it with what was measured: one entry for the candidate as given and one per step tried.
    """
    if not remedy.steps:
        return candidate, []
    frames, worst = hardest(candidate, source, HARD_FRAMES)
    tolerance = remedy.tolerance.on_hardest(len(frames), len(source.frames))
    judge = Judge(source, frames, tolerance)
    few = replace(source, frames=worst, collecting=replace(source.collecting, shelf=None))
    case = _Case(source=few, every=source, remedy=remedy, judge=judge)
    verdict = judge(candidate)
    told = [{"step": "none", "kept": True, **verdict.summary()}]
    for step in STEPS:
        if not verdict.shortfalls or step not in remedy.steps:
            continue
        tried, said = TRIES[step](candidate, case)
        found = judge(tried) if tried is not candidate else verdict
        kept = tried is not candidate and found.better_than(verdict)
        told.append({"step": step, "kept": kept, **found.summary(), **said})
        if kept:
            candidate, verdict = tried, found
    return candidate, told


def told_of_step(said: Mapping[str, Any]) -> str:
    """One entry of `recover`, for a person."""
    words = [f"signal over noise {said['signal_over_noise_db']} dB on hard frames"]
    if said.get("to_float"):
        words.append(f"{some(said['to_float'])} in float")
    words += said["shortfalls"]
    state = "" if said["step"] == "none" else "kept" if said["kept"] else "not kept"
    name = "as it is" if said["step"] == "none" else said["step"]
    name = f"{said['network']}, {name}" if "network" in said else name
    return f"recovery, {name}: {', '.join([state, *words] if state else words)}"


@dataclass(frozen=True, eq=False, kw_only=True)
class _Case:
    source: Source  # of the worst frame of each output
    every: Source
    remedy: Remedy
    judge: Judge


Said = dict[str, Any]


def _equalise(candidate: Candidate, case: _Case) -> tuple[Candidate, Said]:
    every = case.every
    graph, tensors = equalise(
        candidate.graph, candidate.placement, every.frames, every.threads, every.track
    )
    tried = every.make(graph, candidate.placement) if tensors else candidate
    return tried, {"tensors": list(tensors)}


def _correct(candidate: Candidate, case: _Case) -> tuple[Candidate, Said]:
    shifts = mean_shifts(candidate, case.every)
    biases = corrected(candidate.graph, shifts)
    said = {candidate.graph.nodes[i].name: float(abs(shift).max()) for i, shift in shifts.items()}
    tried = replace(candidate, biases=biases) if biases else candidate
    return tried, {"largest_shift": said}


def _to_float(candidate: Candidate, case: _Case) -> tuple[Candidate, Said]:
    ranking, graph = rank(candidate, case.source), candidate.graph
    order = by_worth(graph, ranking)
    keep_float = case.remedy.keep_float
    verdicts: dict[int, Verdict] = {}

    def first(count: int) -> Candidate:
        return candidate.with_float(keep_float, order[:count])

    def within(count: int) -> bool:
        verdicts[count] = case.judge(first(count), briefly=True)
        return not verdicts[count].shortfalls

    last = max(place for place, i in enumerate(order) if i in candidate.placement.weights)
    count = fewest(last, within) if last else None  # something must remain to be INT8
    to_float = order[: count or 0]
    said = {
        "ranking_db": {graph.nodes[index].name: round(ranking[index], 3) for index in ranking},
        "tried": {str(number): item.summary() for number, item in sorted(verdicts.items())},
        "to_float": [graph.nodes[index].name for index in to_float],
        "float_share_of_multiplications": round(
            multiplications(graph, to_float) / multiplications(graph, order), 6
        ),
    }
    return (first(count) if count else candidate), said


TRIES: dict[Step, Callable[[Candidate, _Case], tuple[Candidate, Said]]] = {
    "equalise": _equalise,
    "bias": _correct,
    "float": _to_float,
}
