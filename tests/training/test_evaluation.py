"""Scores of a pool are those of its frames, split by what the frames are."""

from __future__ import annotations

import numpy as np
import pytest

from training.datasets.angiogram_pool import AngiogramPool, generate
from training.evaluation import evaluate

FRAMES = 9


@pytest.fixture(scope="module")
def pool() -> AngiogramPool:
    """Small frames, three of each grade."""
    return generate(range(70, 70 + FRAMES), 256, workers=1)


def oracle(pool: AngiogramPool, *, wrong_grades: int = 0):
    """Answers with the truth, frame after frame, but for the grades of the first frames."""
    frames = iter(range(len(pool)))

    def predict(inputs):
        asked = [next(frames) for _ in inputs]
        vessels = np.stack([pool.frame(index)[1] for index in asked])[:, None] - 0.5
        grades = [(pool.grades[index] + (index < wrong_grades)) % 3 for index in asked]
        return vessels.astype(np.float32), np.eye(3, dtype=np.float32)[grades]

    return predict


def test_the_truth_scores_one(pool: AngiogramPool) -> None:
    report = evaluate(oracle(pool), pool)
    assert report.accuracy.value == 1.0
    assert 0.99 < report.dice.value <= 1.0  # a session drops specks, be they true
    assert report.ordinal_error == 0.0
    assert report.confusion.trace() == FRAMES


def test_wrong_grades_cost_accuracy_alone(pool: AngiogramPool) -> None:
    report = evaluate(oracle(pool, wrong_grades=3), pool, batch=2)
    assert report.dice.value == evaluate(oracle(pool), pool).dice.value
    assert report.accuracy.value == pytest.approx(2 / 3)
    assert report.confusion.trace() == FRAMES - 3


def test_nothing_found_scores_nothing(pool: AngiogramPool) -> None:
    def nothing(inputs):
        return -np.ones_like(inputs), np.eye(3, dtype=np.float32)[np.zeros(len(inputs), int)]

    report = evaluate(nothing, pool)
    assert report.dice.value == 0.0
    assert report.accuracy.value == pytest.approx(1 / 3)


def test_the_kinds_of_frames_add_up(pool: AngiogramPool) -> None:
    numbers = evaluate(oracle(pool), pool).as_dict(pool)
    kinds = numbers["of_kind"]
    assert sum(kind["frames"] for kind in kinds.values()) == FRAMES
    assert kinds["subtracted"]["frames"] == pool.subtracted.sum()
    assert sum(axis["frames"] for axis in numbers["of_deciding_axis"].values()) == FRAMES
