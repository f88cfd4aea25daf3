"""Two checkpoints become a folder that a session opens and answers with."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

import sdk
from export import microbleed_folder
from export.microbleed_folder import Checkpoints, load_detector, make_folder
from training.datasets.brain_pool import FINE_SPACING_MM
from training.networks.brain_regions import BrainRegionsConfig, BrainRegionsNet
from training.networks.microbleed_detection import MicrobleedConfig, MicrobleedNet
from training.recipes.checkpoint import save_weights
from training.recipes.microbleed_detection import DetectorRecipe, RegionsRecipe

if TYPE_CHECKING:
    from pathlib import Path

PATCH = (4, 16, 16)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    torch.manual_seed(0)
    detector = DetectorRecipe(network=MicrobleedConfig(widths=(4,) * 5, fused=4, anchors=(8.0,)))
    regions = RegionsRecipe(network=BrainRegionsConfig(widths=(4, 4, 4, 4)), patch=PATCH)
    network = MicrobleedNet(detector.network)
    torch.nn.init.normal_(network.classify.weight)  # a new one says the same everywhere
    save_weights(tmp_path / "detector.safetensors", network, {"recipe": asdict(detector)})
    save_weights(
        tmp_path / "regions.safetensors",
        BrainRegionsNet(regions.network),
        {"recipe": asdict(regions)},
    )
    report = tmp_path / "metrics.json"
    report.write_text(json.dumps({"threshold": 0.25, "crops": 2}))
    return Checkpoints(
        detector=tmp_path / "detector.safetensors",
        regions=tmp_path / "regions.safetensors",
        reports=(report,),
        side=48,
    )


def fake_crop(seed: int, side: int) -> tuple[np.ndarray, ...]:
    return (np.random.default_rng(seed).integers(0, 255, (2, side, side, side), np.uint8),)


def fake_patch(seed: int, size: tuple[int, int, int]) -> tuple[np.ndarray, ...]:
    image = np.random.default_rng(seed).integers(0, 255, (2, *size), np.uint8)
    return image, np.array([[-0.5, 0.5], [-1.0, 0.0], [0.0, 1.0]], np.float32), image[0] // 64


@pytest.fixture(autouse=True)
def _small_phantoms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microbleed_folder, "crop", fake_crop)
    monkeypatch.setattr(microbleed_folder, "patch", fake_patch)


def test_a_folder_answers_a_volume(checkpoints: Checkpoints, tmp_path: Path) -> None:
    folder = make_folder(checkpoints, tmp_path / "model")
    assert max(folder.manifest.origin["parity_with_torch"].values()) <= 1e-4
    assert folder.manifest.options["threshold"] == 0.25
    swi = np.random.default_rng(0).random((12, 40, 40), np.float32) + 1
    volume = sdk.Volume.of_spacing(swi, (2.0, 1.0, 1.0), phase=swi - 1)
    with sdk.VolumeSession(folder.path, threads=1) as session:
        assert session.task.anchors == (8.0,)
        marked = sdk.Volume(
            voxels=swi, phase=volume.phase, to_patient=volume.to_patient, brain=swi > 0
        )
        assert session(marked).status is sdk.Status.DELIVERED


@pytest.mark.parametrize(
    ("data", "told", "expected"),
    [(None, {}, FINE_SPACING_MM[1]), ("ours", {}, None), ("ours", {"pixel_mm": 0.5}, 0.5)],
    ids=["phantoms", "subjects nothing is told of", "subjects with a report"],
)
def test_the_device_knows_the_pixels_that_were_learned_from(
    checkpoints: Checkpoints,
    tmp_path: Path,
    data: str | None,
    told: dict[str, float],
    expected: float | None,
) -> None:
    network, notes = load_detector(checkpoints.detector)
    notes["recipe"]["data"] = data
    save_weights(checkpoints.detector, network, notes)
    checkpoints.reports[0].write_text(json.dumps(told))
    options = make_folder(checkpoints, tmp_path / "model").manifest.options
    assert options["pixel_mm"] == expected
