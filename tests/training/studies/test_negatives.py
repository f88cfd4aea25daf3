"""The study of negatives: two losses, each with and without prototypes."""

from __future__ import annotations

from training.studies.negatives import STUDIES


def test_random_negatives_are_drawn_and_the_hardest_are_picked() -> None:
    (study,) = STUDIES
    recipes = {training.rows[0]: training.recipe for training in study.trainings}
    assert list(recipes) == [
        "random negatives",
        "random negatives + HSPL",
        "hardest negatives",
        "hardest negatives + HSPL",
    ]
    for row, recipe in recipes.items():
        assert recipe.hard_samples == ("HSPL" in row)
        assert recipe.network.fusion
        random = recipe.loss.negative_pool == recipe.loss.hard_negatives
        assert random == ("random" in row)


def test_every_kind_of_false_positive_has_a_column() -> None:
    (study,) = STUDIES
    last = study.columns[-3:]
    assert [column.score for column in last] == [
        "false_vein",
        "false_calcification",
        "false_nothing known",
    ]
    assert {column.per for column in last} == {"false_at_equal_sensitivity"}
