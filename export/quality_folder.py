"""Makes the model folder of the angiogram quality task from a trained checkpoint."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from export.angiogram_quality import GRADE, INPUT, VESSELS, export
from export.graph import OPSET
from export.origin import kept_card, trained_on, versions, with_origin
from sdk.golden import Golden, GoldenPair, pack_golden
from sdk.model_folder import IntendedInput, Manifest, ModelFolder, write_folder
from sdk.tasks import AngiogramQuality, options_of
from training.networks.angiogram_quality import AngiogramQualityNet, count_parameters
from training.phantoms.angiogram import phantom_frame
from training.preprocess import network_input
from training.recipes.checkpoint import load_weights

GRAPH = "graph.fp32.onnx"
GOLDEN_SEEDS = (9_000_001, 9_000_002)
"""Phantoms that no training or test pool holds."""
INTENDED = IntendedInput(
    min_size=(256, 256),
    max_size=(2048, 2048),
    bits_stored=(8, 16),
    note="Trained on phantoms only: a technology demonstration, not for clinical use.",
)


def make_folder(checkpoint: Path, report: Path | None, out: Path) -> ModelFolder:
    """Exports the graph, records golden vectors with torch, and writes the folder.

    A model card that lies in the folder already is kept, and vouched for like every file.

    Raises:
        ValueError: the graph does not compute what the network computes.
        ModelFolderError: the folder cannot be read back.
    """
    network = AngiogramQualityNet()
    notes = load_weights(checkpoint, network)
    network.eval()
    with tempfile.TemporaryDirectory() as folder:
        parity = export(network, Path(folder) / GRAPH)
        files = {GRAPH: (Path(folder) / GRAPH).read_bytes()}
    golden = [_golden(network, seed) for seed in GOLDEN_SEEDS]
    files |= {"golden.npz": pack_golden(golden), **kept_card(out)}
    origin = {
        "network": f"angiogram quality, variant B, {count_parameters(network)} parameters",
        "trained_on": trained_on(notes),
        "training": notes,
        "held_out": json.loads(report.read_text()) if report else None,
        "opset": OPSET,
        "parity_with_torch": asdict(parity),
    } | versions()
    return write_folder(out, _manifest(network.size, origin), files)


def _manifest(size: int, origin: dict[str, Any]) -> Manifest:
    task = AngiogramQuality(size=(size, size))
    return Manifest(
        task=task.name,
        options=options_of(task),
        graphs={"fp32": GRAPH},
        intended_input=with_origin(INTENDED, origin["training"]),
        golden=Golden(),
        origin=origin,
    )


def _golden(network: AngiogramQualityNet, seed: int) -> GoldenPair:
    image = network_input(phantom_frame(seed, network.size), network.size)[None, None]
    image = image.astype(np.float16).astype(np.float32)  # half the bytes, and exact
    with torch.no_grad():
        vessels, grade = network(torch.from_numpy(image))
    return {INPUT: image.astype(np.float16)}, {VESSELS: vessels.numpy(), GRADE: grade.numpy()}
