"""The studies of artery sequences, and that a tiny one runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from training.losses.artery_sequence import ScribbleWeights
from training.networks.sequence_blocks import SequenceConfig
from training.recipes.artery_sequence import SelfTrainingRecipe, StreamRecipe
from training.studies.artery import STUDIES, about_the_seeds, cost_of_a_frame, run
from training.studies.study import Result

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = SequenceConfig(widths=(4, 4, 6, 8), norm="batch", dropout=0.0, decoder="plain")
TINY = {
    "network": SHAPE,
    "frames": 3,
    "side": 32,
    "batch": 1,
    "steps": 1,
    "size": 256,
    "training_sequences": 2,
    "validation_sequences": 1,
    "test_sequences": 2,
    "validate_every_s": 1e9,
    "threads": 1,
    "workers": 1,
}


def test_trainings_of_a_study_differ_in_their_question_alone() -> None:
    inputs = next(study for study in STUDIES if study.name == "artery-inputs")
    first, *others = (training.recipe for training in inputs.trainings)
    assert all(replace(other, input=first.input) == first for other in others)
    scribbles = next(study for study in STUDIES if study.name == "artery-scribbles")
    kinds = [training.recipe for training in scribbles.trainings[:-1]]
    same = {repr(replace(r, kind="SALE", weights=ScribbleWeights())) for r in kinds}
    assert len(same) == 1
    assert len({repr(recipe) for recipe in kinds}) == 8


def test_every_study_compares_with_one_of_its_rows() -> None:
    assert all(study.reference in study.rows() for study in STUDIES)


def test_a_round_of_self_training_is_a_row(tmp_path: Path) -> None:
    recipe = SelfTrainingRecipe(**TINY, labelled=1, rounds=1, phantoms=str(tmp_path))  # type: ignore[arg-type]
    found = run(recipe, tmp_path / "run")
    assert len(found) == 2
    assert all(len(entry.scores["dsc"]) == 2 for entry in found)
    again = run(recipe, tmp_path / "run")  # nothing is trained twice
    np.testing.assert_equal([entry.scores for entry in again], [entry.scores for entry in found])


def test_a_stream_is_taught_by_the_teacher_of_its_seed(tmp_path: Path) -> None:
    recipe = StreamRecipe(**TINY, teacher=SHAPE, phantoms=str(tmp_path), seed=3)  # type: ignore[arg-type]
    teacher = next(study for study in STUDIES if study.name == "artery-stream").trainings[0].recipe
    run(replace(teacher, **TINY, phantoms=str(tmp_path), seed=3), tmp_path / "teacher-3")
    (found,) = run(recipe, tmp_path / "stream-3")
    assert len(found.curves["dice_of_frames"]) >= 4


def test_a_new_frame_costs_a_quarter_of_the_whole_run_and_less() -> None:
    new, whole = cost_of_a_frame()
    assert whole / new > 4


def test_a_seed_that_collapsed_is_seen() -> None:
    results = [
        Result(row="RDFA pCE", seed=seed, machine="", scores={"dsc": [value, value + 0.1]})
        for seed, value in ((9, 0.70), (7, 0.65), (8, 0.20))
    ]
    assert about_the_seeds(results).splitlines() == [
        "DSC of each seed (7, 8, 9):",
        "",
        "* RDFA pCE: 0.70 0.25 0.75",
    ]
