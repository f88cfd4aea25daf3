"""Representative frames: picked over runs and over the phase of the contrast, always the same."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from calibration.agreement import Agreement, Measured
from calibration.errors import CalibrationError
from calibration.progress import Track, silent
from sdk.errors import FrameError
from sdk.frame import Frame
from sdk.model_folder import IntendedInput
from sdk.runs import Run
from sdk.tasks import Task, make_like
from sdk.tensors import Tensors, allocate

MIDDLE = Fraction(1, 2)
GOLDEN = Fraction(987, 1597)
"""Two Fibonacci numbers."""


class Pick(NamedTuple):
    """One frame: positions of its run and of itself in the run."""

    run: int
    frame: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Selection:
    """Frames that fit a task, in a fixed order; one is held at a time.

    Attributes:
        runs: where they come from.
        picks: which they are.
        task: prepares them as the device does.
        sha256: of their pixels and what they say about them, masks included, in order.
        refused: the frames that were picked and do not fit, with the reason.
    """

    runs: Sequence[Run]
    picks: tuple[Pick, ...]
    task: Task[Any]
    sha256: str
    refused: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.picks)

    def frame(self, index: int) -> Frame:
        """One frame, read anew."""
        return self.at(self.picks[index])

    def at(self, pick: Pick) -> Frame:
        """The frame at a place, read anew."""
        return self.runs[pick.run].frames[pick.frame]

    def lead(self, index: int) -> tuple[Pick, ...]:
        """What a session plays up to a frame, itself last; alone where nothing is remembered."""
        return (self.picks[index],)

    def ends_run(self, index: int) -> bool:
        """Whether a frame is the last of its run here."""
        return index + 1 == len(self) or self.picks[index + 1].run != self.picks[index].run

    def agreement(self) -> Measured:
        """An empty account of how closely two graphs answer these frames."""
        return Agreement()

    def fresh_task(self) -> Task[Any]:
        """The task without a memory of frames: two graphs that follow a run need two."""
        return make_like(self.task)

    def fill(self, index: int, inputs: Tensors) -> str:
        """Prepares one frame for the network and returns what to call it."""
        self.task.preprocess(self.frame(index), inputs)
        return self.label(self.picks[index])

    def label(self, pick: Pick) -> str:
        """What to call a frame."""
        return f"{self.runs[pick.run].name}, frame {pick.frame}"

    def first(self, count: int) -> "Selection":
        """At most `count` of them, spread evenly."""
        return self.only(evenly(len(self), min(count, len(self))))

    def close(self) -> None:
        """Releases what was opened to follow runs, if anything was."""

    def only(self, positions: Iterable[int]) -> "Selection":
        """Those at some positions, in the order of the frames."""
        kept = tuple(self.picks[position] for position in sorted(positions))
        return replace(self, picks=kept)


def evenly(length: int, count: int, phase: Fraction = MIDDLE) -> list[int]:
    """`count` positions of 0..length - 1: in each of equal parts the one at a phase, 0 to 1."""
    return [int((i + phase) * length / count) for i in range(count)]


def phase_of(place: int) -> Fraction:
    """Of the golden ratio's sequence: any few in a row are far apart, and so are every few."""
    return (MIDDLE + place * GOLDEN) % 1


def pick_frames(runs: Sequence[Run], count: int) -> list[Pick]:
    """At most `count` frames: the same number of every run, evenly over its time.

    Every run is asked at other times than the ones before it: one frame of each shows the contrast
    before, while and after it arrives. A run that is too short gives all of its frames and leaves
    the rest to the others; of more runs than frames, evenly many are taken.
    """
    lengths = [len(run.frames) for run in runs]
    shares = [0] * len(runs)
    chosen = evenly(len(runs), min(count, len(runs)))
    while sum(shares) < count and (open_ := [r for r in chosen if shares[r] < lengths[r]]):
        for run in open_[: count - sum(shares)]:
            shares[run] += 1
    return [
        Pick(run, index)
        for place, run in enumerate(chosen)
        for index in evenly(lengths[run], shares[run], phase_of(place))
    ]


def split(picks: Sequence[Pick], held_out: int) -> tuple[list[Pick], list[Pick]]:
    """Frames for the ranges, and `held_out` frames between them.

    Raises:
        CalibrationError: no frame would be left for the ranges.
    """
    if not 0 < held_out < len(picks):
        raise CalibrationError(
            f"{len(picks)} frames cannot give ranges and {held_out} held-out frames; give longer "
            "runs, or more of them"
        )
    aside = set(evenly(len(picks), held_out))
    kept = [pick for place, pick in enumerate(picks) if place not in aside]
    return kept, [picks[place] for place in sorted(aside)]


def select(
    runs: Sequence[Run],
    picks: Sequence[Pick],
    task: Task[Any],
    intended: IntendedInput,
    track: Track = silent,
) -> Selection:
    """Keeps the frames that the task takes and the network was made for, and hashes them.

    Raises:
        CalibrationError: fewer than half of them fit.
    """
    inputs, digest = allocate(task.inputs), hashlib.sha256()
    found = Selection(runs=runs, picks=tuple(picks), task=task, sha256="", refused=())
    kept, refused = [], []
    for index in track(range(len(picks)), "reading frames"):
        if index == 0 or picks[index - 1].run != picks[index].run:
            task.reset()
        reason, frame = _misfit(found, index, inputs, intended)
        if reason or frame is None:
            refused.append(f"{found.label(picks[index])}: {reason}")
        else:
            kept.append(picks[index])
            _hash(digest, frame)
    if not kept or len(refused) > len(kept):
        raise CalibrationError(
            f"{len(refused)} of {len(picks)} frames do not fit the task {task.name}: "
            f"{refused[0] if refused else 'there are none'}; give frames that the network was "
            "made for"
        )
    return Selection(
        runs=runs,
        picks=tuple(kept),
        task=task,
        sha256=digest.hexdigest(),
        refused=tuple(refused),
    )


def _misfit(
    selection: Selection, index: int, inputs: Tensors, intended: IntendedInput
) -> tuple[str, Frame | None]:
    try:
        frame = selection.frame(index)
        if selection.task.begins_anew(frame):
            selection.task.reset()
        selection.task.preprocess(frame, inputs)
    except FrameError as error:
        return str(error), None
    return "; ".join(intended.outside(frame)), frame


def _hash(digest: Any, frame: Frame) -> None:
    said = (frame.shape, frame.bits_stored, frame.intensity.value, frame.inverted)
    digest.update(repr(said).encode())
    digest.update(np.ascontiguousarray(frame.pixels).tobytes())
    if frame.mask is not None:
        digest.update(repr(frame.mask.shift_px).encode())
        digest.update(np.ascontiguousarray(frame.mask.pixels).tobytes())
    if frame.irradiated is not None:
        digest.update(np.ascontiguousarray(frame.irradiated).tobytes())
