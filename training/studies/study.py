"""A study: trainings that differ in one thing, their scores, and the table that compares them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdk.machine import cores, processor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Scores = Mapping[str, list[float]]
    """Name of a score -> its value for each held-out item, NaN where it has no meaning."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One number of a table: the mean of a score over items, or the ratio of two sums."""

    title: str
    """What a person reads above it."""
    score: str
    """Name of the score, or of the one above the line."""
    per: str | None = None
    """Name of the score below the line; None for a mean over the items."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A curve of every row, drawn beside the table."""

    curve: str
    """Name of the curve."""
    title: str
    """What a person reads above it."""
    across: str
    """Title of the horizontal axis."""
    upwards: str
    """Title of the vertical axis."""
    at: tuple[float, ...] | None = None
    """Places of its points along the horizontal axis, drawn logarithmically; None: 1, 2, ..."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of a study; it may answer for several rows of the table."""

    name: str
    """Stem of its folder."""
    rows: tuple[str, ...]
    """What the rows of the table are called, in the order of the scores."""
    recipe: Any
    """The recipe of the training, a dataclass with a ``seed``."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What a training scored in one row."""

    scores: Scores
    """Per item."""
    curves: Mapping[str, list[float]] = field(default_factory=dict)
    """Over all items together, such as the Dice after 1, 2, ... frames."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """A question, the trainings that answer it, and how they are scored."""

    name: str
    """As the command line takes it."""
    question: str
    """One sentence."""
    items: str
    """What is scored one by one, such as ``held-out phantom sequences``."""
    trainings: tuple[Training, ...]
    """In the order of the table."""
    columns: tuple[Column, ...]
    """Of the table; differences are given for the first."""
    reference: str
    """The row that the others are compared with."""
    run: Callable[[Any, Path], list[Scored]]
    """Trains by a recipe into a folder unless it was done, and scores every row of it."""
    remark: Callable[[Sequence[Result]], str] | None = None
    """What is said below the table, from all results."""
    chart: Chart | None = None
    """What is drawn below the table."""

    def rows(self) -> list[str]:
        """Every row, in the order of the table."""
        return [row for training in self.trainings for row in training.rows]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The scores of one row after one training."""

    row: str
    """Which row."""
    seed: int
    """Of the training."""
    machine: str
    """Where it was trained and scored."""
    scores: Scores
    """Per item."""
    curves: Mapping[str, list[float]] = field(default_factory=dict)
    """Over all items together."""


def read_results(path: Path) -> list[Result]:
    """What a file holds; nothing where there is no file."""
    if not path.is_file():
        return []
    return [Result(**entry) for entry in json.loads(path.read_text())]


def add_results(path: Path, new: list[Result]) -> None:
    """Writes results into a file in the place of older ones of the same rows and seeds."""
    replaced = {(entry.row, entry.seed) for entry in new}
    old = [entry for entry in read_results(path) if (entry.row, entry.seed) not in replaced]
    lines = [json.dumps(vars(entry)) for entry in (*old, *new)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def machine() -> str:
    """This machine in a few words."""
    return f"{cores()} cores of {processor()}"


def rounded(values: Sequence[float]) -> list[float]:
    """With the digits that are worth keeping."""
    return [round(value, 4) for value in values]
