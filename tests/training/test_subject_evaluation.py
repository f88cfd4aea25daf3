"""Detectors and regions networks scored on whole subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from sdk.tasks.microbleeds import Microbleed, Region
from sdk.volume import Volume
from training import subject_evaluation
from training.datasets.subject_pool import Subject
from training.networks.microbleed_detection import MicrobleedConfig, MicrobleedNet
from training.subject_evaluation import Detections, detect, localise, threshold_on_subjects

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SHAPE = (16, 64, 64)
SPACING = (2.0, 0.5, 0.5)


class Halves(nn.Module):
    """Lobar where the SWI is bright, background where it is dark."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, patch: Tensor) -> Tensor:
        bright = self.scale * (patch[:, 0] - 0.5)
        zero = torch.zeros_like(bright)
        return torch.stack([zero, bright, zero - 9, zero - 9], 1)


def subject() -> Subject:
    """The left half of the brain is bright and lobar in truth, the right half is deep."""
    swi = np.zeros(SHAPE, np.float32)
    swi[..., :32] = 1
    regions = np.full(SHAPE, Region.DEEP, np.uint8)
    regions[..., :32] = Region.LOBAR
    volume = Volume.of_spacing(
        swi, SPACING, phase=np.zeros(SHAPE, np.float32), brain=np.ones(SHAPE, np.bool_)
    )
    return Subject(
        volume=volume,
        lesions_mm=np.array([[16.0, 16.0, 8.0]]),
        diameters_mm=np.array([3.0]),
        regions=regions,
    )


def bleed(column: float, score: float) -> Microbleed:
    voxel = (8.0, 32.0, column)
    place = (16.0, 16.0, column / 2)
    return Microbleed(voxel=voxel, centre_mm=place, patient_mm=place, diameter_mm=3.0, score=score)


def test_the_filter_keeps_what_lies_in_a_region_and_says_whether_it_is_the_right_one() -> None:
    found = Detections(
        subject=subject(), candidates=[bleed(16, 0.9), bleed(48, 0.8), bleed(8, 0.1)]
    )
    kept, right = localise(Halves(), found, threshold=0.5)  # type: ignore[arg-type]
    assert [(entry.voxel[2], entry.region) for entry in kept] == [(16.0, Region.LOBAR)]
    assert right.tolist() == [True]


def test_a_region_that_is_named_wrongly_is_not_right() -> None:
    one = subject()
    one.regions[...] = Region.INFRATENTORIAL
    _, right = localise(Halves(), Detections(subject=one, candidates=[bleed(16, 0.9)]), 0.5)  # type: ignore[arg-type]
    assert right.tolist() == [False]


def test_the_detector_is_asked_tile_by_tile() -> None:
    torch.manual_seed(0)
    small = MicrobleedConfig(widths=(4, 4, 4, 4, 4), fused=4, anchors=(8.0,))
    found = detect(MicrobleedNet(small), subject())
    assert all(0 <= entry.voxel[0] <= SHAPE[0] - 1 for entry in found.candidates)
    scores = [entry.score for entry in found.candidates]
    assert scores == sorted(scores, reverse=True)


def test_the_threshold_is_that_of_the_best_f1_over_all_subjects(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers = {
        1: [bleed(16, 0.9), bleed(48, 0.4)],
        2: [bleed(48, 0.8), bleed(16, 0.6)],
    }
    asked = []

    def found(_: object, seed: int) -> Detections:
        return Detections(subject=subject(), candidates=answers[seed])

    def kept(folder: Path, seed: int) -> int:
        asked.append((folder, seed))
        return seed

    monkeypatch.setattr(subject_evaluation, "subject", kept)
    monkeypatch.setattr(subject_evaluation, "detect", found)
    threshold = threshold_on_subjects(None, tmp_path, range(1, 3))  # type: ignore[arg-type]
    assert threshold == 0.5  # between the last bleed that is found and the first that is none
    assert asked == [(tmp_path, 1), (tmp_path, 2)]
