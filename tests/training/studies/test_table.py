"""Tables of studies."""

import numpy as np
import pytest

from training.metrics import bootstrap_interval
from training.studies.study import Column, Result, Study, Training
from training.studies.table import difference, estimate, table

MEAN = Column(title="DSC", score="dsc")
RATIO = Column(title="sensitivity", score="found", per="lesions")


def result(row: str, seed: int = 7, **scores: list[float]) -> Result:
    return Result(row=row, seed=seed, machine="2 cores of a test", scores=scores)


def study(*rows: str) -> Study:
    trainings = tuple(Training(name=row, rows=(row,), recipe=None) for row in rows)
    return Study(
        name="of-tests",
        question="Is it better?",
        items="sequences",
        trainings=trainings,
        columns=(MEAN,),
        reference="b",
        run=lambda _recipe, _out: [],
    )


def test_a_mean_is_that_of_its_items_with_the_interval_of_a_bootstrap() -> None:
    values = np.random.default_rng(1).uniform(0, 1, 40).tolist()
    found, expected = estimate(MEAN, [result("a", dsc=values)]), bootstrap_interval(values)
    assert found.value == pytest.approx(expected.value)
    assert found.low == pytest.approx(expected.low, abs=0.02)
    assert found.high == pytest.approx(expected.high, abs=0.02)


def test_items_without_a_score_do_not_count() -> None:
    assert estimate(MEAN, [result("a", dsc=[0.2, float("nan"), 0.4])]).value == pytest.approx(0.3)


def test_a_ratio_is_that_of_the_sums() -> None:
    found = estimate(RATIO, [result("a", found=[1.0, 9.0], lesions=[2.0, 10.0])])
    assert found.value == pytest.approx(10 / 12)


def test_a_difference_is_paired() -> None:
    base = np.random.default_rng(2).uniform(0, 1, 30)
    one, other = result("a", dsc=(base + 0.01).tolist()), result("b", dsc=base.tolist())
    apart = difference(MEAN, [one], [other])
    assert (apart.low, apart.high) == pytest.approx((0.01, 0.01))


def test_rows_with_other_items_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same items"):
        difference(MEAN, [result("a", dsc=[1.0])], [result("b", dsc=[1.0, 0.5])])


def test_seeds_are_averaged_item_by_item() -> None:
    both = [result("a", 7, dsc=[0.0, 1.0]), result("a", 8, dsc=[1.0, 0.0])]
    found = estimate(MEAN, both)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_differences_are_of_the_seeds_that_both_rows_have() -> None:
    both = [result("a", 7, dsc=[0.5, 0.6]), result("b", 7, dsc=[0.4, 0.5])]
    more = result("a", 8, dsc=[0.9, 0.9])
    assert "| +0.100 (+0.100 to +0.100) | 2 |" in table(study("a", "b"), [*both, more])
    assert table(study("a", "b"), [more, both[1]]).splitlines()[-2].endswith("|  | 1 |")


def test_the_table_names_rows_that_have_not_run() -> None:
    text = table(study("a", "b"), [result("b", dsc=[0.5, 0.6])])
    lines = text.splitlines()
    assert lines[-2].startswith("| a | not run |")
    assert lines[-1].startswith("| b | 0.550 (")
    assert {line.count("|") for line in lines if line.startswith("|")} == {5}


def test_a_study_without_results_says_what_to_run() -> None:
    assert "angioedge train study of-tests" in table(study("a", "b"), [])
