"""Whole runs for networks that remember: in order, with what FP32 remembers before each frame."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.errors import CalibrationError
from calibration.frames import Pick, Selection, evenly
from sdk.backends import Backend, open_backend
from sdk.frame import Frame
from sdk.runs import Run
from sdk.tasks import Task
from sdk.tensors import Tensors


def pick_runs(runs: Sequence[Run], count: int, among: Sequence[int] | None = None) -> list[Pick]:
    """As many whole runs as hold at most `count` frames, evenly over all.

    What a network answers depends on the frames so far: of a single run that is longer, the first
    `count` frames are taken.
    """
    among = range(len(runs)) if among is None else among
    for wanted in range(len(among), 1, -1):
        chosen = [among[place] for place in evenly(len(among), wanted)]
        picks = _whole(runs, chosen)
        if len(picks) <= count:
            return picks
    return _whole(runs, [among[place] for place in evenly(len(among), 1)])[:count]


def split_runs(
    runs: Sequence[Run], count: int, held_out_count: int
) -> tuple[list[Pick], list[Pick]]:
    """Runs for the ranges, and others between them to compare on.

    Raises:
        CalibrationError: there is one run only.
    """
    if len(runs) < 2:
        raise CalibrationError(
            "one run cannot give ranges and be held out too, and this network follows whole runs; "
            "give more of them"
        )
    share = held_out_count / (count + held_out_count)
    aside = evenly(len(runs), min(max(1, round(share * len(runs))), len(runs) - 1))
    kept = [place for place in range(len(runs)) if place not in aside]
    return pick_runs(runs, count, kept), pick_runs(runs, held_out_count, aside)


def _whole(runs: Sequence[Run], chosen: Sequence[int]) -> list[Pick]:
    return [Pick(run, frame) for run in chosen for frame in range(len(runs[run].frames))]


@dataclass(frozen=True, eq=False, kw_only=True)
class Sequences(Selection):
    """Frames of runs that a network follows; `fill` gives its states before each frame too.

    Attributes:
        played: every frame that fits, in order: what a session plays before one of `picks`.
        replay: knows what the FP32 graph remembers before each of them.
    """

    played: tuple[Pick, ...]
    replay: "Replay"

    @classmethod
    def of(cls, selection: Selection, graph: Path, threads: int | None) -> "Sequences":
        """The same frames, followed by the FP32 graph; to be closed."""
        task = selection.fresh_task()
        return cls(
            **vars(selection),
            played=selection.picks,
            replay=Replay(open_backend(graph, threads=threads), task, selection.at),
        )

    def lead(self, index: int) -> tuple[Pick, ...]:
        run, frame = self.picks[index]
        return tuple(pick for pick in self.played if pick.run == run and pick.frame <= frame)

    def fill(self, index: int, inputs: Tensors) -> str:
        self.replay.fill(self.lead(index), inputs)
        return self.label(self.picks[index])

    def close(self) -> None:
        self.replay.close()


class Replay:
    """Plays runs with the FP32 graph, whose states are seen, and no further than asked for."""

    def __init__(
        self, backend: Backend, task: Task[object], frame_at: Callable[[Pick], Frame]
    ) -> None:
        self._backend, self._task, self._frame_at = backend, task, frame_at
        self._filled: Pick | None = None

    def fill(self, lead: Sequence[Pick], inputs: Tensors) -> None:
        """Inputs of the last frame of `lead`, after all frames before it.

        Args:
            lead: the frames of a run from its first on.
            inputs: of a graph with the inputs of this one.
        """
        own = self._backend.inputs
        if self._filled not in lead:
            self._begin_run()
            self._prepare(lead[0])
        for pick in lead[lead.index(self._filled) + 1 :]:
            self._backend.run()
            for before, after in self._task.states.items():
                np.copyto(own[before], self._backend.outputs[after])
            self._prepare(pick)
        for name, tensor in own.items():
            np.copyto(inputs[name], tensor)

    def _prepare(self, pick: Pick) -> None:
        frame = self._frame_at(pick)
        if self._task.begins_anew(frame):
            self._begin_run()
        self._task.preprocess(frame, self._backend.inputs)
        self._filled = pick

    def _begin_run(self) -> None:
        self._task.reset()
        for name in self._task.states:
            self._backend.inputs[name][...] = 0

    def close(self) -> None:
        """Releases the graph; may be called twice."""
        self._backend.close()
