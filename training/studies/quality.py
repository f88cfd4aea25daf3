"""Study of the angiogram quality network: what each of its parts brings, at half the resolution."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from training.evaluation import by_torch, evaluate
from training.leakage import leakage_grades
from training.networks.angiogram_quality import AngiogramQualityConfig, AngiogramQualityNet
from training.recipes.angiogram_quality import AngiogramQualityRecipe, Stage, train
from training.recipes.checkpoint import load_weights
from training.recipes.loop import TRAINING, WEIGHTS
from training.studies.study import Column, Result, Scored, Study, Training, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from training.datasets.angiogram_pool import AngiogramPool

SMALL = AngiogramQualityConfig(
    size=256,
    widths=(16, 32, 64, 128, 192),
    depths=(1, 1, 1, 2, 1),
    attentions=(1, 1),
    decoder=(64, 32, 16, 16),
)
"""A network that a CPU trains in minutes."""
WHOLE = "the whole network"
STATISTICS = "image statistics alone"


def run(recipe: AngiogramQualityRecipe, out: Path) -> list[Scored]:
    """Trains unless it was done, and scores held-out frames; beside the whole net, the control."""
    if not (out / WEIGHTS).is_file():
        train(recipe, out, resume=(out / TRAINING).is_file())
    network = AngiogramQualityNet(recipe.network)
    load_weights(out / WEIGHTS, network)
    test = recipe.pool("test", out)
    report = evaluate(by_torch(network, recipe.network.size), test)
    scored = [_scored(report.predicted_grades, test, report.dice_per_frame)]
    if recipe.network == SMALL:
        guessed = leakage_grades(recipe.pool("training", out), test)
        scored.append(_scored(guessed, test, None))
    return scored


def _scored(
    grades: NDArray[np.int64], test: AngiogramPool, dice: NDArray[np.float64] | None
) -> Scored:
    apart = abs(grades - test.grades)
    nothing = [float("nan")] * len(test)
    return Scored(
        scores={
            "right": [float(value == 0) for value in apart],
            "apart": [float(value) for value in apart],
            "dice": nothing if dice is None else rounded(dice.tolist()),
        }
    )


def _trainings() -> tuple[Training, ...]:
    base = AngiogramQualityRecipe(
        network=SMALL,
        stages=(Stage(share=1.0, side=256, batch=8),),
        steps=3000,
        training_frames=2000,
        validation_frames=48,
        validate_every_s=1200.0,
    )
    without = {
        "without L-GSAM": replace(SMALL, attentions=(0, 0)),
        "without FAM": replace(SMALL, aggregation=False),
        "without the gate": replace(SMALL, gated=False),
    }
    ablated = [
        Training(name=f"part{number}", rows=(row,), recipe=replace(base, network=network))
        for number, (row, network) in enumerate(without.items())
    ]
    return (Training(name="whole", rows=(WHOLE, STATISTICS), recipe=base), *ablated)


def _about_the_grades(results: Sequence[Result]) -> str:
    """What the grades of trainings as short as these do not say."""
    net, statistics = (
        [entry.scores["right"] for entry in results if entry.row == row]
        for row in (WHOLE, STATISTICS)
    )
    if not net or not statistics or np.mean(net) > np.mean(statistics):
        return ""
    return _about_the_vessels(results) + (
        "Trained this shortly, the whole network grades no better than image statistics alone: "
        "what counts are the differences between the networks, not how well they grade. The "
        "shipped network had 6072 steps at twice the side, and grades better (its card)."
    )


def _about_the_vessels(results: Sequence[Result]) -> str:
    """What the gate costs."""
    gated, ungated = (
        [entry.scores["dice"] for entry in results if entry.row == row and "dice" in entry.scores]
        for row in (WHOLE, "without the gate")
    )
    if not gated or not ungated or np.mean(gated) >= np.mean(ungated):
        return ""
    return (
        f"The gate costs vessels: their Dice is {np.mean(ungated):.3f} without it, "
        f"{np.mean(gated):.3f} with it. "
    )


STUDIES = (
    Study(
        name="quality-parts",
        question="What does each part of the quality network bring?",
        items="held-out phantom frames",
        trainings=_trainings(),
        columns=(
            Column(title="grade accuracy", score="right"),
            Column(title="mean distance of grades", score="apart"),
            Column(title="vessel Dice", score="dice"),
        ),
        reference=WHOLE,
        run=run,
        remark=_about_the_grades,
    ),
)
