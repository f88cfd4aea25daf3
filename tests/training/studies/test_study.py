"""Results of studies on disk."""

from pathlib import Path

from training.studies.study import Result, add_results, read_results


def result(row: str, seed: int, value: float) -> Result:
    return Result(row=row, seed=seed, machine="2 cores of a test", scores={"dsc": [value, 0.5]})


def test_no_file_holds_no_results(tmp_path: Path) -> None:
    assert read_results(tmp_path / "none.json") == []


def test_results_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "study.json"
    add_results(path, [result("a", 7, 0.25), result("b", 7, float("nan"))])
    first, second = read_results(path)
    assert first == result("a", 7, 0.25)
    assert str(second.scores["dsc"][0]) == "nan"


def test_a_result_replaces_only_that_of_the_same_row_and_seed(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    add_results(path, [result("a", 7, 0.1), result("a", 8, 0.2), result("b", 7, 0.3)])
    add_results(path, [result("a", 7, 0.9)])
    values = {(entry.row, entry.seed): entry.scores["dsc"][0] for entry in read_results(path)}
    assert values == {("a", 7): 0.9, ("a", 8): 0.2, ("b", 7): 0.3}
