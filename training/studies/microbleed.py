"""Study of the microbleed detector: what each of its parts brings, on whole subjects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.datasets.subject_pool import subject
from training.detection_metrics import SubjectFindings, froc, match
from training.networks.brain_regions import BrainRegionsNet
from training.networks.microbleed_detection import MicrobleedNet
from training.recipes.checkpoint import load_weights
from training.recipes.loop import TRAINING, WEIGHTS
from training.recipes.microbleed_detection import DetectorRecipe, RegionsRecipe
from training.recipes.microbleed_training import train
from training.studies.study import Chart, Column, Scored, Study, Training, rounded
from training.subject_evaluation import (
    Detections,
    counts,
    detect,
    localise,
    threshold_on_subjects,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sdk.tasks.microbleeds import Microbleed
    from training.studies.study import Result

SUBJECTS = range(34_000_000, 34_000_016)
"""Seeds of the held-out subjects, which no training or validation pool holds."""
EQUAL_SENSITIVITY = 0.9
"""At which false positives are compared, whatever the thresholds."""
FILTERED = "+ anatomical filter"


def run(recipe: DetectorRecipe, out: Path) -> list[Scored]:
    """Trains unless it was done, and scores held-out subjects; the whole chain with its filter."""
    found, threshold, first = run_detector(recipe, out)
    scored = [first]
    if recipe.hard_samples:
        regions = regions_network(recipe, out.parent)
        judged = [localise(regions, one, threshold) for one in found]
        right = [_right(one, *entry) for one, entry in zip(found, judged, strict=True)]
        filtered = _scores(found, [kept for kept, _ in judged])
        unknown = [float("nan")] * len(found)  # at other thresholds nothing was localised
        filtered |= {"right": right, "false_at_equal_sensitivity": unknown}
        scored.append(Scored(scores=filtered))
    return scored


def run_detector(recipe: DetectorRecipe, out: Path) -> tuple[list[Detections], float, Scored]:
    """Trains unless it was done: what is found in held-out subjects, the threshold, the scores."""
    if not (out / WEIGHTS).is_file():
        train(recipe, out, resume=(out / TRAINING).is_file())
    network = MicrobleedNet(recipe.network)
    load_weights(out / WEIGHTS, network)
    folder = Path(recipe.phantoms or out)
    threshold = threshold_on_subjects(network, folder, recipe.subject_seeds())
    found = subjects_of(network, folder)
    alone = [one.above(threshold) for one in found]
    return found, threshold, Scored(scores=_scores(found, alone), curves=_curve(found))


RATES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per subject at which the free-response curve is read."""


def _curve(found: Sequence[Detections]) -> dict[str, list[float]]:
    curve = froc([one.findings() for one in found])
    return {"froc": rounded([curve.sensitivity_at(rate) for rate in RATES])}


def about_the_curves(results: Sequence[Result]) -> str:
    rates = ", ".join(f"{rate:g}" for rate in RATES)
    lines = [f"Sensitivity at {rates} false positives per subject (FROC, 3 mm):"]
    for entry in results:
        if "froc" in entry.curves:
            points = " ".join(f"{value:.2f}" for value in entry.curves["froc"])
            lines.append(f"* {entry.row}, seed {entry.seed}: {points}")
    return "\n".join([lines[0], "", *lines[1:]])


def subjects_of(network: MicrobleedNet, folder: Path) -> list[Detections]:
    """What a detector finds in the held-out subjects."""
    return [detect(network, subject(folder, seed)) for seed in SUBJECTS]


def regions_network(recipe: DetectorRecipe, folder: Path) -> BrainRegionsNet:
    """The brain regions network, trained once for all detectors."""
    own = replace(RegionsRecipe(), phantoms=recipe.phantoms, threads=recipe.threads)
    out = folder / "regions"
    if not (out / WEIGHTS).is_file():
        train(own, out, resume=(out / TRAINING).is_file())
    network = BrainRegionsNet(own.network)
    load_weights(out / WEIGHTS, network)
    return network


def _scores(
    found: Sequence[Detections], kept: Sequence[list[Microbleed]]
) -> dict[str, list[float]]:
    """Counts of each subject."""
    rows = [one.findings(chosen) for one, chosen in zip(found, kept, strict=True)]
    near, far = ([counts(row, tolerance) for row in rows] for tolerance in (3.0, 5.0))
    lesions = [float(len(row.lesions_mm)) for row in rows]
    lenient = at_equal_sensitivity([one.findings() for one in found])
    scores: dict[str, list[float]] = {
        "found": [tp for tp, _ in near],
        "false": [fp for _, fp in near],
        "candidates": [tp + fp for tp, fp in near],
        "lesions": lesions,
        "twice_found": [2 * tp for tp, _ in near],
        "candidates_and_lesions": [tp + fp + n for (tp, fp), n in zip(near, lesions, strict=True)],
        "found_5_mm": [tp for tp, _ in far],
        "false_at_equal_sensitivity": [counts(row, 3.0)[1] for row in lenient],
        "right": [float("nan")] * len(rows),
    }
    return {name: [float(value) for value in values] for name, values in scores.items()}


def at_equal_sensitivity(found: list[SubjectFindings]) -> list[SubjectFindings]:
    """With the strictest threshold that finds `EQUAL_SENSITIVITY` of the lesions; all if none."""
    curve = froc(found)
    enough = np.flatnonzero(curve.sensitivity >= EQUAL_SENSITIVITY)
    threshold = float(curve.thresholds[enough[0]]) if len(enough) else -np.inf
    return [
        replace(
            one,
            candidates_mm=one.candidates_mm[one.scores >= threshold],
            scores=one.scores[one.scores >= threshold],
        )
        for one in found
    ]


def _right(one: Detections, kept: list[Microbleed], right: NDArray[np.bool_]) -> float:
    """Found lesions of a subject whose region is named rightly."""
    hits = match(one.findings(kept), 3.0)
    return float((hits & right).sum())


def _trainings() -> tuple[Training, ...]:
    base = DetectorRecipe()
    plain = replace(base.network, fusion=False)
    return (
        Training(
            name="rpn", rows=("RPN",), recipe=replace(base, network=plain, hard_samples=False)
        ),
        Training(name="ffm", rows=("+ FFM",), recipe=replace(base, hard_samples=False)),
        Training(name="hspl", rows=("+ HSPL", FILTERED), recipe=base),
    )


COLUMNS = (
    Column(title="FPavg", score="false"),
    Column(title="sensitivity", score="found", per="lesions"),
    Column(title="sensitivity within 5 mm", score="found_5_mm", per="lesions"),
    Column(title="precision", score="found", per="candidates"),
    Column(title="F1", score="twice_found", per="candidates_and_lesions"),
    Column(
        title=f"FPavg at sensitivity {EQUAL_SENSITIVITY}",
        score="false_at_equal_sensitivity",
    ),
)
"""Of every study of the detector."""


def curves(title: str) -> Chart:
    """The free-response curve of every row."""
    return Chart(
        curve="froc",
        title=title,
        across="false positives per subject",
        upwards="sensitivity",
        at=RATES,
    )


STUDIES = (
    Study(
        name="microbleed-stages",
        question="What does each part of the microbleed detector bring?",
        items="held-out phantom subjects",
        trainings=_trainings(),
        columns=(*COLUMNS, Column(title="region accuracy", score="right", per="found")),
        reference="RPN",
        run=run,
        remark=about_the_curves,
        chart=curves("What each part of the microbleed detector finds (FROC, 3 mm)"),
    ),
)
