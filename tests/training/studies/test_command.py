"""Command line of the studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from training.recipes.artery_sequence import SequenceRecipe
from training.studies import command
from training.studies.study import Chart, Column, Result, Scored, Study, Training, add_results

if TYPE_CHECKING:
    from pathlib import Path


def study(runs: list[tuple[int, Path]]) -> Study:
    def run(recipe: SequenceRecipe, out: Path) -> list[Scored]:
        runs.append((recipe.seed, out))
        return [Scored(scores={"dsc": [0.5, 0.7]}, curves={"dice": [0.1, 0.6]})]

    return Study(
        name="made-up",
        question="What is shown?",
        items="items",
        trainings=(Training(name="one", rows=("the one",), recipe=SequenceRecipe()),),
        columns=(Column(title="DSC", score="dsc"),),
        reference="the one",
        run=run,
        chart=Chart(curve="dice", title="Dice", across="frames", upwards="Dice"),
    )


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Path]]:
    found: list[tuple[int, Path]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "STUDIES", {"made-up": study(found)})
    return found


def test_what_has_results_is_not_run_again(runs: list[tuple[int, Path]]) -> None:
    command.study(["made-up", "--seeds", "1", "2", "--out", "out"])
    command.study(["made-up", "--seeds", "2", "3", "--out", "out"])
    assert [seed for seed, _ in runs] == [1, 2, 3]
    command.study(["made-up", "--seeds", "3", "--again", "--out", "out"])
    assert runs[-1][0] == 3
    assert len(runs) == 4


def test_an_unknown_training_is_refused(runs: list[tuple[int, Path]]) -> None:
    with pytest.raises(SystemExit, match="expected one of one after --only, got two"):
        command.study(["made-up", "--only", "two"])
    assert not runs


@pytest.mark.usefixtures("runs")
def test_the_page_shows_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    command.results()
    assert "Not run yet" in capsys.readouterr().out
    assert not (command.PICTURES / "made-up.png").exists()
    found = Result(
        row="the one", seed=1, machine="here", scores={"dsc": [0.5]}, curves={"dice": [0.1]}
    )
    add_results(command.RESULTS / "made-up.json", [found])
    command.results()
    page = command.DOCUMENT.read_text()
    assert page == capsys.readouterr().out
    assert "| the one | 0.500" in page
    assert "![Dice](pictures/made-up.png)" in page
    assert (command.PICTURES / "made-up.png").is_file()
