"""Studies of artery sequences: which input, which supervision, how many labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, get_args

import numpy as np
import torch

from training.losses.artery_sequence import ScribbleWeights
from training.networks.artery_projection import Projection
from training.networks.artery_sequence import VssNet
from training.networks.artery_stream import StreamingVssNet
from training.networks.cost import giga_macs
from training.networks.sequence_blocks import SequenceConfig
from training.recipes.artery_lessons import predictor
from training.recipes.artery_sequence import (
    Kind,
    ScribbleRecipe,
    SelfTrainingRecipe,
    SequenceRecipe,
    StreamRecipe,
)
from training.recipes.artery_training import answering, mean_by_frame, train
from training.recipes.checkpoint import load_weights
from training.recipes.loop import TRAINING, WEIGHTS
from training.sequence_evaluation import dice_of_prefixes, score_pool
from training.studies.study import Chart, Column, Scored, Study, Training, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.studies.study import Result

Recipe = TypeVar("Recipe", bound=SequenceRecipe)

SMALL = SequenceConfig(widths=(8, 16, 24, 32), stride=2, norm="batch", decoder="plain", dropout=0.0)
"""VSS-Net at a size that a CPU trains in minutes."""
HELD_OUT = 30
"""Phantoms that every row is scored on."""
WHOLE = "full sequence"
KINDS: tuple[Kind, ...] = get_args(Kind)
COLUMNS = (
    Column(title="DSC", score="dsc"),
    Column(title="clDice", score="cldice"),
    Column(title="sensitivity", score="sen"),
    Column(title="VC", score="vc"),
)


def run(recipe: SequenceRecipe, out: Path) -> list[Scored]:
    """Trains unless it was done, and scores held-out phantoms; self-training once per round."""
    if not (out / WEIGHTS).is_file():
        taught = isinstance(recipe, StreamRecipe)
        teacher = out.parent / f"teacher-{recipe.seed}" / WEIGHTS if taught else None
        train(recipe, out, resume=_begun(out), teacher=teacher)
    rounds = recipe.rounds + 1 if isinstance(recipe, SelfTrainingRecipe) else 0
    folders = [out / f"round{number}" for number in range(rounds)] or [out]
    return [_scored(recipe, folder, out) for folder in folders]


def _begun(out: Path) -> bool:
    return any(out.glob(f"**/{TRAINING}"))


def _scored(recipe: SequenceRecipe, folder: Path, out: Path) -> Scored:
    network = answering(recipe)
    load_weights(folder / WEIGHTS, network)
    test = recipe.pool("test", out)
    found = score_pool(predictor(recipe, network), test)
    scores = {
        column.score: rounded([getattr(entry, column.score) for entry in found])
        for column in COLUMNS
    }
    if not isinstance(network, StreamingVssNet):
        return Scored(scores=scores)
    curve = mean_by_frame(dice_of_prefixes(network, test))
    return Scored(scores=scores, curves={"dice_of_frames": rounded(curve)})


def small(recipe: Recipe) -> Recipe:
    """The recipe with what every training here has."""
    return replace(
        recipe,
        network=SMALL,
        frames=6,
        steps=300,
        learning_rate=3e-3,
        validation_sequences=6,
        test_sequences=HELD_OUT,
        validate_every_s=1e9,
    )


def _inputs() -> tuple[Training, ...]:
    base = small(SequenceRecipe())
    reduced = [
        Training(name=name, rows=(name.replace("_", " + "),), recipe=replace(base, input=name))
        for name in get_args(Projection)
    ]
    return (*reduced, Training(name="sequence", rows=(WHOLE,), recipe=base))


STEPS = {
    "pCE": ScribbleWeights(pseudo=0.0, consistency=0.0),
    "+ PS": ScribbleWeights(crossed=False, consistency=0.0),
    "+ CPS": ScribbleWeights(consistency=0.0),
    "+ CR": ScribbleWeights(),
}
"""Of SSCR, each on top of the one before; PS and CPS take turns."""


LONGER = 3
"""Times as many optimiser steps: whether crossed pseudo labels only need to settle."""


def _supervision(kind: Kind, times: int = 1) -> tuple[Training, ...]:
    """The steps of SSCR on one kind of scribbles."""
    base = replace(small(ScribbleRecipe()), batch=4, kind=kind)
    base = replace(base, steps=times * base.steps)
    return tuple(
        Training(
            name=f"{kind}-{number}", rows=(f"{kind} {step}",), recipe=replace(base, weights=weights)
        )
        for number, (step, weights) in enumerate(STEPS.items())
    )


def _scribbles() -> tuple[Training, ...]:
    full = replace(small(SequenceRecipe()), batch=4)
    partial = [training for kind in KINDS for training in _supervision(kind)]
    return (*partial, Training(name="masks", rows=("full masks",), recipe=full))


def _self_training() -> tuple[Training, ...]:
    base = replace(small(SelfTrainingRecipe()), steps=250, training_sequences=40)
    return tuple(
        Training(
            name=f"labelled{count}",
            rows=tuple(f"{count} labelled, round {number}" for number in range(base.rounds + 1)),
            recipe=replace(base, labelled=count),
        )
        for count in (1, 3, 10)
    )


TAUGHT = (
    Training(
        name="teacher",
        rows=("bidirectional teacher",),
        recipe=SequenceRecipe(test_sequences=HELD_OUT),
    ),
    Training(
        name="stream", rows=("streaming student",), recipe=StreamRecipe(test_sequences=HELD_OUT)
    ),
)


def cost_of_a_frame(side: int = 512, frames: int = 8) -> tuple[float, float]:
    """GMAC of the student for a new frame, and of the teacher for the whole run again."""
    with torch.device("meta"):
        student, teacher = StreamingVssNet().eval(), VssNet(SequenceRecipe().network).eval()
        frame, run_of_frames = torch.empty(1, 1, side, side), torch.empty(1, frames, side, side)
        state = student.initial_state(side, side)
    return giga_macs(student.step, frame, state), giga_macs(teacher, run_of_frames)


def _about_the_stream(results: Sequence[Result]) -> str:
    new, whole = cost_of_a_frame()
    text = (
        f"A new frame of 512 x 512 costs the student {new:.2f} GMAC, the teacher {whole:.1f} GMAC "
        f"for all 8 frames again, {whole / new:.1f} times as much."
    )
    curves = [entry.curves["dice_of_frames"] for entry in results if entry.curves]
    if curves:
        points = " ".join(f"{value:.2f}" for value in curves[0])
        text += f"\nDice against the arteries of the whole run after 1, 2, ... frames: {points}."
    return text


def about_the_seeds(results: Sequence[Result]) -> str:
    """The DSC of every training by itself: a mean hides one that collapsed."""
    rows: dict[str, list[str]] = {}
    for entry in sorted(results, key=lambda entry: entry.seed):
        rows.setdefault(entry.row, []).append(f"{np.mean(entry.scores['dsc']):.2f}")
    seeds = ", ".join(str(seed) for seed in sorted({entry.seed for entry in results}))
    lines = [f"* {row}: {' '.join(values)}" for row, values in rows.items()]
    return "\n".join([f"DSC of each seed ({seeds}):", "", *lines])


ITEMS = "held-out phantom sequences"
STUDIES = (
    Study(
        name="artery-stream",
        question="What does it cost to see the past alone?",
        items=ITEMS,
        trainings=TAUGHT,
        columns=COLUMNS,
        reference="bidirectional teacher",
        run=run,
        remark=_about_the_stream,
        chart=Chart(
            curve="dice_of_frames",
            title="Arteries of the whole run, known after so many frames",
            across="frames seen",
            upwards="Dice, mean over the runs",
        ),
    ),
    Study(
        name="artery-inputs",
        question="Which input shows the arteries of a run?",
        items=ITEMS,
        trainings=_inputs(),
        columns=COLUMNS,
        reference=WHOLE,
        run=run,
    ),
    Study(
        name="artery-scribbles",
        question="How far do scribbles go (SSCR)?",
        items=ITEMS,
        trainings=_scribbles(),
        columns=COLUMNS,
        reference="full masks",
        run=run,
        remark=about_the_seeds,
    ),
    Study(
        name="artery-scribbles-longer",
        question=f"Do scribbles go further in {LONGER} times as many steps?",
        items=ITEMS,
        trainings=_supervision("RDFA", LONGER),
        columns=COLUMNS,
        reference="RDFA + PS",
        run=run,
    ),
    Study(
        name="artery-self-training",
        question="What do unlabelled sequences add (RPST)?",
        items=ITEMS,
        trainings=_self_training(),
        columns=COLUMNS,
        reference="10 labelled, round 0",
        run=run,
    ),
)
