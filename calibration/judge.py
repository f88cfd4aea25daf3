"""How near candidates come to FP32, on the few frames where quantisation shows most."""

import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.agreement import Measured, Tolerance, gain
from calibration.candidate import FORMS, Candidate, Source
from calibration.choose import decibel, energies
from calibration.frames import Selection
from calibration.play import Player
from sdk.backends import Backend, open_backend
from sdk.tasks import QualityAnswer


@dataclass(frozen=True, eq=False, kw_only=True)
class Verdict:
    """How near a candidate comes to FP32.

    Attributes:
        agreements: precision -> with the answers of FP32.
        quality_db: signal over noise of the outputs, the mean over outputs and precisions.
        shortfalls: what lies outside the tolerance, in words; empty: nothing.
    """

    agreements: Mapping[str, Measured]
    quality_db: float
    shortfalls: tuple[str, ...]

    def better_than(self, other: "Verdict") -> bool:
        """Whether outputs come nearer and the answers do not get worse, or nothing falls short.

        The answers are all measures of all precisions together: far outside the tolerance, one of
        them alone is chance.
        """
        nearer = self.quality_db > other.quality_db
        pairs = ((self.agreements[name], other.agreements[name]) for name in self.agreements)
        return not self.shortfalls or (nearer and sum(gain(a, b) for a, b in pairs) >= 0)

    def summary(self) -> dict[str, Any]:
        """For the report."""
        return {
            "signal_over_noise_db": round(self.quality_db, 3),
            "agreement": {name: item.summary() for name, item in self.agreements.items()},
            "shortfalls": list(self.shortfalls),
        }


class Judge:
    """Compares candidates with FP32 on frames whose FP32 answers it keeps, hence few frames."""

    def __init__(self, source: Source, frames: Selection, tolerance: Tolerance) -> None:
        """Answers the frames with FP32, once."""
        self._frames, self._tolerance, self._threads = frames, tolerance, source.threads
        with closing(open_backend(source.path, threads=source.threads)) as backend:
            player = Player(backend, frames)
            self._exact = [_answered(player, backend, index) for index in range(len(frames))]

    def __call__(self, candidate: Candidate, *, briefly: bool = False) -> Verdict:
        """Answers the frames with every form of a candidate, the twin first, which rounds more.

        Briefly: only as many as it takes to find one that falls short.
        """
        agreements: dict[str, Measured] = {}
        levels: list[float] = []
        for precision in reversed(FORMS):
            if briefly and any(item.shortfalls(self._tolerance) for item in agreements.values()):
                break
            with closing(_opened(candidate, precision, self._threads)) as backend:
                agreements[precision], level = self._compare(backend)
            levels.append(level)
        shortfalls = [
            f"{precision}: {reason}"
            for precision, agreement in agreements.items()
            for reason in agreement.shortfalls(self._tolerance)
        ]
        return Verdict(
            agreements=agreements,
            quality_db=float(np.mean(levels)),
            shortfalls=tuple(shortfalls),
        )

    def _compare(self, backend: Backend) -> tuple[Measured, float]:
        agreement, player = self._frames.agreement(), Player(backend, self._frames)
        total = dict.fromkeys(backend.outputs, np.zeros(2))
        for index, (expected, exact) in enumerate(self._exact):
            got = player.answer(index)
            for name, energy in energies(exact, backend.outputs).items():
                total[name] = total[name] + energy
            agreement.add(expected, got, ends_run=self._frames.ends_run(index))
        return agreement, float(np.mean([decibel(*energy) for energy in total.values()]))


def hardest(candidate: Candidate, source: Source, count: int) -> tuple[Selection, Selection]:
    """Of all frames, the `count` on which answers are lost first, and the worst of each output.

    In turn those on which an output suffers most, for each output, and those that FP32 itself is
    least sure how to grade, for tasks that grade. One pass over the frames.
    """
    levels: dict[str, list[float]] = {}
    leads: list[float] = []
    frames, threads = source.frames, source.threads
    with (
        closing(open_backend(source.path, threads=threads)) as exact,
        closing(_opened(candidate, "int8", threads)) as got,
    ):
        expected, rounded = Player(exact, frames), Player(got, frames)
        for index in source.track(range(len(frames)), "looking for hard frames"):
            leads += _leads(expected.answer(index))
            for name, energy in energies(exact.outputs, rounded.outputs(index)).items():
                levels.setdefault(name, []).append(decibel(*energy))
    orders = [np.argsort(of_output, kind="stable").tolist() for of_output in levels.values()]
    worst_of_each = {order[0] for order in orders}
    if leads:
        orders.append(np.argsort(leads, kind="stable").tolist())
    in_turn = dict.fromkeys(index for worst in zip(*orders, strict=True) for index in worst)
    return frames.only(list(in_turn)[:count]), frames.only(worst_of_each)


def _leads(answer: Any) -> list[float]:
    """By how much the most probable grade leads the next one; nothing of tasks without grades."""
    if not isinstance(answer, QualityAnswer):
        return []
    first, second = sorted(answer.probabilities, reverse=True)[:2]
    return [first - second]


def _answered(player: Player, backend: Backend, index: int) -> tuple[Any, dict[str, NDArray[Any]]]:
    answer = player.answer(index)
    return answer, {name: tensor.copy() for name, tensor in backend.outputs.items()}


def _opened(candidate: Candidate, precision: str, threads: int | None) -> Backend:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candidate.onnx"
        path.write_bytes(candidate.write(precision))
        return open_backend(path, threads=threads)
