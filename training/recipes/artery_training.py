"""Runs the artery recipes and scores what they trained on held-out phantoms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdk.files import write_whole
from training.datasets.scribbles import KINDS
from training.datasets.sequence_folder import read_unlabelled
from training.datasets.sequence_pool import SequencePool, pool_of
from training.networks.artery_stream import StreamingVssNet
from training.recipes.artery_lessons import (
    Lesson,
    ScribbleLesson,
    SelfTrainingLesson,
    StreamLesson,
    predictor,
    without_frame_truth,
)
from training.recipes.artery_sequence import (
    ScribbleRecipe,
    SelfTrainingRecipe,
    SequenceRecipe,
    StreamRecipe,
)
from training.recipes.checkpoint import load_weights
from training.recipes.loop import REPORT, TRAINING, WEIGHTS, open_folder
from training.recipes.processes import join
from training.sequence_evaluation import by_folder, dice_of_prefixes, score_pool, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


def train(
    recipe: SequenceRecipe,
    out: Path,
    *,
    minutes: float | None = None,
    resume: bool = False,
    teacher: Path | None = None,
) -> Path:
    """Train into a folder and return the path of the best weights.

    Self-training takes `minutes` for each of its rounds; a teacher is for the stream alone.

    Raises:
        FileExistsError: the folder holds a training and `resume` was not asked for.
        ValueError: a teacher was given to another recipe than the stream, or the data lack the
            truth that the recipe learns from.
    """
    if teacher is not None and not isinstance(recipe, StreamRecipe):
        raise ValueError("expected a teacher for the recipe stream alone; leave it out")
    if isinstance(recipe, SelfTrainingRecipe):
        return _self_train(recipe, out, minutes=minutes, resume=resume)
    open_folder(recipe, out, resume=resume)
    lesson = _lesson(recipe, out, minutes)
    if teacher is not None and isinstance(lesson, StreamLesson):
        lesson.take_teacher(teacher)
    return _finish(lesson, resume=resume)


def report(recipe: SequenceRecipe, out: Path) -> dict[str, Any]:
    """Score the best weights of a folder on held-out phantoms."""
    network: nn.Module = answering(recipe)
    notes = load_weights(out / WEIGHTS, network)
    test = recipe.pool("test", out)
    numbers = {
        "data": "phantoms" if recipe.data is None else f"sequences of {Path(recipe.data).name}",
        "steps": notes["state"]["step"],
        **summary(score_pool(predictor(recipe, network), test)),
    }
    if isinstance(network, StreamingVssNet):
        numbers["dice_of_frames"] = mean_by_frame(dice_of_prefixes(network, test))
    (out / REPORT).write_text(json.dumps(numbers, indent=2))
    return numbers


def score_folder(
    recipe: SequenceRecipe, folder: Path, out: Path, precision: str = "fp32"
) -> dict[str, Any]:
    """Scores a graph of a model folder on the same sequences; phantoms are kept in `out`.

    Raises:
        ModelFolderError: the folder is damaged or foreign, or has no such precision.
    """
    return summary(score_pool(by_folder(folder, precision), recipe.pool("test", out)))


def _lesson(recipe: SequenceRecipe, out: Path, minutes: float | None) -> Lesson:
    match recipe:
        case ScribbleRecipe():
            lesson: Lesson = ScribbleLesson(recipe, out, minutes)
            if lesson.pool.scribbles.shape[1] != len(KINDS):
                raise ValueError(_lacking(recipe, f"scribbles of both kinds, {', '.join(KINDS)}"))
        case StreamRecipe():
            lesson = StreamLesson(recipe, out, minutes)
            if not len(lesson.pool.filled):
                raise ValueError(_lacking(recipe, "the arteries that each single frame shows"))
        case _:
            lesson = Lesson(recipe, out, minutes)
    return lesson


def _lacking(recipe: SequenceRecipe, truth: str) -> str:
    return f"expected {truth} in {recipe.data}, which has none; use --by full, or phantoms"


def _finish(lesson: Lesson, *, resume: bool) -> Path:
    if resume:
        lesson.resume()
    lesson.run()
    return lesson.out / WEIGHTS


def _self_train(
    recipe: SelfTrainingRecipe, out: Path, *, minutes: float | None, resume: bool
) -> Path:
    """A teacher on the labelled sequences, then rounds of students; each in its own folder."""
    processes = join(recipe.device)
    every = processes.once(lambda: recipe.pool("training", out))
    unlabelled = _unlabelled(recipe, every)  # refuses more than there are
    labelled = every.part(range(recipe.labelled))
    best: Path | None = None
    for number in range(recipe.rounds + 1):
        folder = out / f"round{number}"
        begun = resume and (number == 0 or (folder / TRAINING).exists())
        open_folder(recipe, folder, resume=begun)
        lesson = SelfTrainingLesson(recipe, folder, minutes, labelled)
        if begun and _is_over(lesson):
            best = folder / WEIGHTS
            continue
        if best is not None:
            for network in (*lesson.learners, lesson.average):
                load_weights(best, network)
            lesson.pseudo = pseudo_labelled(lesson, unlabelled)
        best = _finish(lesson, resume=begun)
    if best is None:
        raise ValueError(f"expected at least 0 rounds, got {recipe.rounds}")
    if processes.first:
        write_whole(out / WEIGHTS, best.read_bytes())  # who has mapped the old keeps it
    return out / WEIGHTS


def _is_over(lesson: Lesson) -> bool:
    lesson.resume()
    return lesson.done() >= 1.0


def _unlabelled(recipe: SelfTrainingRecipe, every: SequencePool) -> SequencePool:
    """The training sequences behind the labelled ones, and those that never had a mask."""
    found = [every.sequence(index) for index in range(recipe.labelled, len(every))]
    more = None if recipe.data is None else read_unlabelled(Path(recipe.data), recipe.size)
    if more is not None:
        found += [more.sequence(index) for index in range(len(more))]
    if recipe.labelled > len(every) or not found:
        raise ValueError(
            f"expected more sequences than the {recipe.labelled} labelled ones, got {len(every)}; "
            "set labelled to fewer"
        )
    return pool_of([without_frame_truth(entry) for entry in found], recipe.size)


def pseudo_labelled(lesson: Lesson, pool: SequencePool) -> SequencePool:
    """Sequences with the answer of the lesson's network as their mask, without any filter."""
    answer = predictor(lesson.recipe, lesson.average)
    masks = [answer(pool.sequence(index).inputs) > 0.5 for index in range(len(pool))]
    return pool.with_union(np.stack(masks))


def answering(recipe: SequenceRecipe) -> nn.Module:
    """A network of the shape that answers after the training."""
    is_stream = isinstance(recipe, StreamRecipe)
    return StreamingVssNet(recipe.network) if is_stream else recipe.make()


def mean_by_frame(curves: list[list[float]]) -> list[float]:
    """Mean after 1, 2, ... frames, of the sequences that have so many."""

    def columns() -> Iterator[list[float]]:
        for frame in range(max(map(len, curves))):
            yield [curve[frame] for curve in curves if len(curve) > frame]

    return [float(np.mean(column)) for column in columns()]
