"""The study of the quality network, and that a tiny one runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from training.networks.angiogram_quality import AngiogramQualityNet
from training.studies import quality
from training.studies.study import Result

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_every_variant_answers() -> None:
    for training in quality.STUDIES[0].trainings:
        network = AngiogramQualityNet(training.recipe.network).eval()
        with torch.no_grad():
            vessels, grade = network(torch.rand(1, 1, 256, 256))
        assert vessels.shape == (1, 1, 256, 256)
        assert grade.shape == (1, 3)


def test_without_the_gate_vessels_do_not_move_the_grade() -> None:
    network = AngiogramQualityNet(replace(quality.SMALL, gated=False)).eval()
    frame = torch.rand(1, 1, 256, 256)
    with torch.no_grad():
        before = network(frame)[1]
        for parameter in network.tail.parameters():
            parameter.add_(1.0)
        assert torch.equal(network(frame)[1], before)


def test_the_whole_network_comes_with_the_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = replace(quality.SMALL, widths=(16, 16, 16, 64, 64), decoder=(8, 8, 8, 8), hidden=8)
    monkeypatch.setattr(quality, "SMALL", tiny)
    recipe = replace(
        quality.STUDIES[0].trainings[0].recipe,
        network=tiny,
        steps=1,
        training_frames=6,
        validation_frames=3,
        test_frames=6,
        workers=1,
        phantoms=str(tmp_path),
    )
    whole, control = quality.run(recipe, tmp_path / "run")
    assert len(whole.scores["dice"]) == len(control.scores["right"]) == 6


def test_grades_no_better_than_the_control_are_said_to_be() -> None:
    def scored(row: str, right: float) -> Result:
        return Result(row=row, seed=7, machine="here", scores={"right": [right]}, curves={})

    remark = quality.STUDIES[0].remark
    assert remark is not None
    low, high = scored(quality.WHOLE, 0.0), scored(quality.WHOLE, 1.0)
    control = scored(quality.STATISTICS, 0.5)
    assert "differences between the networks" in remark([low, control])
    assert remark([high, control]) == remark([low]) == ""
