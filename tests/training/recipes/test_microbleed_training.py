"""Both trainings of the microbleed task learn, resume and report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from training.__main__ import main
from training.datasets.brain_batches import augmented_crops, patch_inputs, random_cuts
from training.datasets.brain_pool import IGNORED, LESION, CropPool, PatchPool
from training.networks.brain_regions import BrainRegionsConfig
from training.networks.microbleed_detection import MicrobleedConfig
from training.recipes import curves, microbleed_detection, microbleed_training
from training.recipes.microbleed_detection import DetectorRecipe, RegionsRecipe
from training.recipes.microbleed_training import (
    DetectorTraining,
    RegionsTraining,
    make_training,
    report,
    train,
)

COUNTS = {"training_count": 4, "validation_count": 2, "test_count": 2, "steps": 4, "batch": 2}
COMMON = {**COUNTS, "workers": 1, "threads": 1, "warm_up_steps": 1, "validate_every_s": 1e9}
DETECTOR = DetectorRecipe(
    network=MicrobleedConfig(widths=(4, 4, 4, 4, 4), fused=4, anchors=(8.0,)),
    side=32,
    concentration_after=0.0,
    validation_subjects=0,
    **COMMON,
)
REGIONS = RegionsRecipe(
    network=BrainRegionsConfig(widths=(4, 4, 4, 4)), patch=(4, 16, 16), side=16, **COMMON
)


def fake_crops(_: Path, seeds: range, side: int, *, workers: int) -> CropPool:
    """Noise with a dark ball in every second crop."""
    rng = np.random.default_rng(seeds.start)
    images = rng.integers(140, 160, (len(seeds), 2, side, side, side), np.uint8)
    lesions, kinds = np.zeros((len(seeds), 16, 4), np.float32), np.zeros((len(seeds), 16), np.uint8)
    for index in range(0, len(seeds), 2):
        z, y, x = rng.integers(10, side - 10, 3)
        images[index, 0, z - 3 : z + 4, y - 3 : y + 4, x - 3 : x + 4] = 10
        lesions[index, 0], kinds[index, 0] = (z, y, x, 7), LESION
        lesions[index, 1], kinds[index, 1] = (-4, 5, 6, 7), IGNORED
    return CropPool(images=images, lesions=lesions, kinds=kinds)


def fake_patches(_: Path, seeds: range, size: tuple[int, int, int], *, workers: int) -> PatchPool:
    rng = np.random.default_rng(seeds.start)
    images = rng.integers(0, 255, (len(seeds), 2, *size), np.uint8)
    ends = np.tile(np.array([[-0.5, 0.5], [-1, 0.2], [-0.3, 0.9]], np.float32), (len(seeds), 1, 1))
    return PatchPool(images=images, ends=ends, regions=images[:, 0] // 64)


@pytest.fixture(autouse=True)
def quick_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microbleed_training, "crop_pool", fake_crops)
    monkeypatch.setattr(microbleed_training, "patch_pool", fake_patches)


@pytest.mark.parametrize("recipe", [DETECTOR, REGIONS], ids=["detector", "regions"])
def test_a_resumed_training_ends_like_an_uninterrupted_one(
    recipe: DetectorRecipe | RegionsRecipe, tmp_path: Path
) -> None:
    train(recipe, tmp_path / "whole")
    make_training(recipe, tmp_path / "parts").run(until_step=2)
    train(recipe, tmp_path / "parts", resume=True)
    whole, parts = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


def test_the_detector_learns_to_see_balls(tmp_path: Path) -> None:
    network = replace(DETECTOR.network, fused=16)
    recipe = replace(DETECTOR, network=network, batch=4, learning_rate=1e-2, steps=1000)
    training = DetectorTraining(recipe, tmp_path)
    training.run(until_step=30)
    losses = curves.read(tmp_path / curves.STEPS)["loss"].tolist()
    assert np.median(losses[-8:]) < 0.8 * np.median(losses[:4]), losses


@pytest.mark.parametrize("hard_samples", [True, False])
def test_the_prototypes_learn_only_where_they_are_asked_for(
    tmp_path: Path, *, hard_samples: bool
) -> None:
    loss = replace(DETECTOR.loss, least_probability=0.0)
    recipe = replace(DETECTOR, hard_samples=hard_samples, loss=loss)
    training = DetectorTraining(recipe, tmp_path)
    assert ("prototypes" in training.learning) is hard_samples
    training.run(until_step=1)
    if hard_samples:
        prototypes = training.learning["prototypes"].prototypes
        assert float(prototypes.grad.abs().sum()) > 0


def test_the_concentration_loss_waits_for_its_time(tmp_path: Path) -> None:
    training = DetectorTraining(replace(DETECTOR, concentration_after=0.5), tmp_path)
    training.run(until_step=1)
    assert training.learning["prototypes"].prototypes.grad is None


def test_reports_are_about_held_out_phantoms(tmp_path: Path) -> None:
    train(DETECTOR, tmp_path / "a")
    found = DetectorTraining(DETECTOR, tmp_path / "a").report()
    assert found["crops"] == DETECTOR.test_count
    assert set(found) >= {"within_3_mm", "within_5_mm", "threshold"}
    train(REGIONS, tmp_path / "b")
    dice = RegionsTraining(REGIONS, tmp_path / "b").report()["dice"]
    assert list(dice) == ["lobar", "deep", "infratentorial"]


def test_refuses_to_overwrite_a_training(tmp_path: Path) -> None:
    train(replace(REGIONS, steps=1), tmp_path)
    with pytest.raises(FileExistsError, match="resume"):
        train(REGIONS, tmp_path)


def test_mirrored_crops_carry_their_lesions_along() -> None:
    pool = fake_crops(Path(), range(4), 32, workers=1)
    images, truths = augmented_crops(pool, np.random.default_rng(0), 12)
    assert any(len(truth.lesions) for truth in truths)
    for image, truth in zip(images, truths, strict=True):
        for z, y, x, _ in truth.lesions.long().tolist():
            assert image[0, z, y, x] < 0.2


def test_mirrored_patches_mirror_their_coordinates() -> None:
    pool = fake_patches(Path(), range(2), (4, 16, 16), workers=1)
    plain, regions = patch_inputs(pool, np.array([1]), mirrored=False)
    mirrored, mirrored_regions = patch_inputs(pool, np.array([1]), mirrored=True)
    np.testing.assert_allclose(mirrored[0, 4, 0, 0], -plain[0, 4, 0, 0, ::-1])
    np.testing.assert_allclose(mirrored[0, :4], plain[0, :4, ..., ::-1])
    np.testing.assert_array_equal(mirrored_regions, regions[..., ::-1])


def test_seeds_of_the_parts_never_meet() -> None:
    parts = [DetectorRecipe().seeds(part) for part in ("training", "validation", "test")]
    parts.append(DetectorRecipe().subject_seeds())
    assert len(set().union(*parts)) == sum(map(len, parts))


def test_crops_choose_the_threshold_where_no_heads_are_drawn() -> None:
    assert len(DetectorRecipe().subject_seeds()) == 8
    assert not replace(DetectorRecipe(), data="cohort").subject_seeds()


def test_the_command_trains_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(microbleed_detection.RECIPES, "regions", REGIONS)
    command = ["microbleed_detection", "regions", "--out", str(tmp_path), "--batch", "1"]
    main(command)
    main([*command, "--report"])
    assert "best weights" in capsys.readouterr().out
    assert json.loads((tmp_path / "recipe.json").read_text())["batch"] == 1
    assert "dice" in json.loads((tmp_path / "metrics.json").read_text())


def test_real_subjects_take_the_place_of_phantoms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def crops(folder: Path, seeds: range, side: int) -> CropPool:
        asked.append(folder)
        return fake_crops(folder, seeds, side, workers=1)

    monkeypatch.setattr(microbleed_training, "cohort_crops", crops)
    recipe = replace(DETECTOR, data=str(tmp_path / "ours"), steps=1)
    train(recipe, tmp_path / "run")
    said = report(recipe, tmp_path / "run")
    assert said["data"] == "subjects of ours, crops"
    assert said["pixel_mm"] == fake_crops(tmp_path, range(2), 32, workers=1).spacing_of(0)[1]
    assert {folder.name for folder in asked} == {"training", "validation", "test"}
    with pytest.raises(ValueError, match="phantoms alone bring along"):
        train(replace(REGIONS, data="ours"), tmp_path / "regions")


def test_cuts_keep_image_place_and_region_together() -> None:
    rows, columns = np.meshgrid(np.arange(16), np.arange(16), indexing="ij")
    inputs = np.stack([np.stack([rows, columns])[:, None]] * 3).astype(np.float32)
    regions = np.stack([(100 * rows + columns)[None]] * 3)
    cut, labels = random_cuts(np.random.default_rng(0), inputs, regions, 8)
    assert cut.shape == (3, 2, 1, 8, 8)
    assert np.array_equal(100 * cut[:, 0] + cut[:, 1], labels)
    assert len({int(patch[0, 0, 0]) for patch in labels}) > 1


def test_refuses_cuts_that_are_larger_than_a_patch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="set side to 16 or less"):
        train(replace(REGIONS, side=32), tmp_path / "out")
