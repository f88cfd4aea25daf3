"""Study of hard negatives: what prototypes of hard samples add where the loss has none of its own.

The mimics that HSPL looks for, the best anchors of crops without a bleed, are the hardest
negatives too. Whether the published detector learnt from its hardest negatives is not known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from training.mimics import KINDS, kinds, mimics
from training.recipes.microbleed_detection import DetectorRecipe
from training.studies.microbleed import (
    COLUMNS,
    SUBJECTS,
    about_the_curves,
    at_equal_sensitivity,
    curves,
    run_detector,
)
from training.studies.study import Column, Scored, Study, Training

if TYPE_CHECKING:
    from pathlib import Path


def run(recipe: DetectorRecipe, out: Path) -> list[Scored]:
    """Trains unless it was done, scores held-out subjects, and names what is found falsely."""
    found, _, scored = run_detector(recipe, out)
    lenient = at_equal_sensitivity([one.findings() for one in found])
    told = [kinds(row, mimics(seed)) for row, seed in zip(lenient, SUBJECTS, strict=True)]
    by_kind = {f"false_{kind}": [one[kind] for one in told] for kind in KINDS}
    return [Scored(scores={**scored.scores, **by_kind}, curves=scored.curves)]


def _trainings() -> tuple[Training, ...]:
    hardest = DetectorRecipe()
    random = replace(hardest, loss=replace(hardest.loss, negative_pool=hardest.loss.hard_negatives))
    return tuple(
        Training(
            name=f"{name}{'-hspl' if hspl else ''}",
            rows=(f"{name} negatives{' + HSPL' if hspl else ''}",),
            recipe=replace(recipe, hard_samples=hspl),
        )
        for name, recipe in (("random", random), ("hardest", hardest))
        for hspl in (False, True)
    )


STUDIES = (
    Study(
        name="microbleed-negatives",
        question="Does HSPL bring more where the loss does not pick the hardest negatives?",
        items="held-out phantom subjects",
        trainings=_trainings(),
        columns=(
            *COLUMNS,
            *(
                Column(
                    title=f"of these on {kind}",
                    score=f"false_{kind}",
                    per="false_at_equal_sensitivity",
                )
                for kind in KINDS
            ),
        ),
        reference="random negatives",
        run=run,
        remark=about_the_curves,
        chart=curves("What the choice of negatives finds (FROC, 3 mm)"),
    ),
)
