"""Makes the model folder of the microbleed task from two trained checkpoints."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from export.origin import PHANTOMS, kept_card, trained_on, versions, with_origin
from export.volumetric import export
from sdk.golden import Golden, GoldenPair, pack_golden
from sdk.model_folder import IntendedInput, Manifest, ModelFolder, write_folder
from sdk.tasks.microbleed_detection import MicrobleedDetection
from training.datasets.brain_pool import FINE_SPACING_MM, crop, patch
from training.networks.brain_regions import BrainRegionsConfig, BrainRegionsNet
from training.networks.microbleed_detection import MicrobleedConfig, MicrobleedNet
from training.recipes.checkpoint import load_weights, read_notes

GOLDEN_SEEDS = (9_100_000, 9_100_001)
"""Phantoms that no training or test pool holds: one with bleeds, one without."""
OF_WEIGHTS = ("tile", "slice_mm", "pixel_mm", "anchors", "patch", "threshold")
"""Fields of the task that belong to the weights."""
INTENDED = IntendedInput(
    modality=("MR",),
    note="Trained on phantoms only: a technology demonstration, not for clinical use.",
)


@dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """What a folder is made of."""

    detector: Path
    """Weights of a `MicrobleedNet`, a .safetensors file."""
    regions: Path
    """Weights of a `BrainRegionsNet`."""
    reports: tuple[Path, ...] = ()
    """JSON files with held-out scores, kept in the manifest."""
    side: int = 128
    """Side of the detector's tiles in voxels."""


def make_folder(checkpoints: Checkpoints, out: Path) -> ModelFolder:
    """Exports both graphs, records golden vectors with torch, and writes the folder.

    Score threshold and size of the pixels are those of the first report that names one, else of
    the task and the phantoms. A model card that lies there already is kept, and vouched for.

    Raises:
        ValueError: a graph does not compute what its network computes.
        ModelFolderError: the folder cannot be read back.
    """
    detector, detector_notes = load_detector(checkpoints.detector)
    regions, regions_notes = load_regions(checkpoints.regions)
    reports = [json.loads(path.read_text()) for path in checkpoints.reports]
    task = MicrobleedDetection(
        slice_mm=FINE_SPACING_MM[0],  # cohorts are prepared at it too
        pixel_mm=_told(reports, "pixel_mm", _pixels_of_phantoms(detector_notes)),
        tile=(checkpoints.side,) * 3,
        anchors=detector.config.anchors,
        patch=tuple(regions_notes["recipe"]["patch"]),
        threshold=_told(reports, "threshold", MicrobleedDetection.threshold),
    )
    golden = _golden(detector, regions, task)
    files, parity = _graphs({"detector": detector, "regions": regions}, task, golden)
    files |= {"golden.npz": pack_golden(golden), **kept_card(out)}
    manifest = Manifest(
        task=task.name,
        options={name: getattr(task, name) for name in OF_WEIGHTS},
        graphs={"detector.fp32": "detector.fp32.onnx", "regions.fp32": "regions.fp32.onnx"},
        intended_input=with_origin(INTENDED, detector_notes, regions_notes),
        golden=Golden(),
        origin={
            "trained_on": trained_on(detector_notes, regions_notes),
            "detector": detector_notes,
            "regions": regions_notes,
            "held_out": reports,
            "parity_with_torch": parity,
        }
        | versions(),
    )
    return write_folder(out, manifest, files)


def _told(reports: list[dict[str, Any]], name: str, otherwise: Any) -> Any:
    """What the first report says that names it."""
    return next((float(report[name]) for report in reports if name in report), otherwise)


def _pixels_of_phantoms(notes: dict[str, Any]) -> float | None:
    """Side of the phantoms' pixels, None where the training saw others."""
    return FINE_SPACING_MM[1] if trained_on(notes) == PHANTOMS else None


def load_detector(checkpoint: Path) -> tuple[MicrobleedNet, dict[str, Any]]:
    """A trained detector of the shape its checkpoint tells, and the notes of its training."""
    shape = _shape(checkpoint)
    network = MicrobleedNet(MicrobleedConfig(**shape))
    return network.eval(), load_weights(checkpoint, network)


def load_regions(checkpoint: Path) -> tuple[BrainRegionsNet, dict[str, Any]]:
    """A trained brain regions network of the shape its checkpoint tells, and its notes."""
    network = BrainRegionsNet(BrainRegionsConfig(**_shape(checkpoint)))
    return network.eval(), load_weights(checkpoint, network)


def _shape(checkpoint: Path) -> dict[str, Any]:
    shape = read_notes(checkpoint)["recipe"]["network"]
    return {name: tuple(v) if isinstance(v, list) else v for name, v in shape.items()}


@torch.no_grad()
def _golden(
    detector: MicrobleedNet, regions: BrainRegionsNet, task: MicrobleedDetection
) -> list[GoldenPair]:
    pairs: list[GoldenPair] = []
    for seed in GOLDEN_SEEDS:
        image = (crop(seed, task.tile[0])[0].astype(np.float32) / 255).astype(np.float16)[None]
        outputs = detector(torch.from_numpy(image.astype(np.float32)))
        named = dict(zip(("logits", "offsets"), (o.numpy() for o in outputs), strict=True))
        pairs.append(({"tile": image}, named))
    images, ends, _ = patch(GOLDEN_SEEDS[0], task.patch)
    inputs = np.zeros((1, 5, *task.patch), np.float16)
    inputs[0, :2] = images.astype(np.float32) / 255
    for axis, (first, last) in enumerate(ends):
        line = np.linspace(first, last, task.patch[axis])
        inputs[0, 2 + axis] = line.reshape([-1 if a == axis else 1 for a in range(3)])
    labels = regions(torch.from_numpy(inputs.astype(np.float32)))
    pairs.append(({"patch": inputs}, {"regions": labels.numpy()}))
    return pairs


def _graphs(
    networks: dict[str, nn.Module], task: MicrobleedDetection, golden: list[GoldenPair]
) -> tuple[dict[str, bytes], dict[str, float]]:
    """The graphs as files, each compared with its network on a golden input."""
    examples = {"detector": golden[0][0], "regions": golden[-1][0]}
    files, parity = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, network in networks.items():
            path = Path(folder) / f"{name}.fp32.onnx"
            inputs = {
                key: torch.from_numpy(tensor.astype(np.float32))
                for key, tensor in examples[name].items()
            }
            outputs = [spec.name for spec in task.networks[name].outputs]
            parity[name] = export(network, path, inputs, outputs)
            files[path.name] = path.read_bytes()
    return files, parity
