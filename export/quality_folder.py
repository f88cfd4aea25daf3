"""Makes the model folder of the angiogram quality task from a trained checkpoint."""

import io
import json
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from export.angiogram_quality import GRADE, INPUT, VESSELS, export
from export.graph import OPSET
from export.origin import trained_on, with_origin
from sdk.golden import Golden, GoldenPair, pack_golden
from sdk.model_folder import IntendedInput, Manifest, ModelFolder, write_folder
from sdk.tasks import AngiogramQuality
from training.networks.angiogram_quality import AngiogramQualityNet
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
    task = AngiogramQuality(size=(network.size, network.size))
    files["golden.npz"] = _pack([_golden(network, seed) for seed in GOLDEN_SEEDS])
    card = out / "MODEL_CARD.md"
    if card.is_file():
        files[card.name] = card.read_bytes()
    return write_folder(out, _manifest(task, asdict(parity), notes, report), files)


def _golden(network: AngiogramQualityNet, seed: int) -> GoldenPair:
    image = network_input(phantom_frame(seed, network.size), network.size)[None, None]
    image = image.astype(np.float16).astype(np.float32)  # half the bytes, and exact
    with torch.no_grad():
        vessels, grade = network(torch.from_numpy(image))
    return {INPUT: image.astype(np.float16)}, {VESSELS: vessels.numpy(), GRADE: grade.numpy()}


def _pack(pairs: list[GoldenPair]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **pack_golden(pairs))
    return buffer.getvalue()


def _manifest(
    task: AngiogramQuality, parity: dict[str, float], notes: dict[str, Any], report: Path | None
) -> Manifest:
    options = {
        "size": task.size,
        "percentiles": task.percentiles,
        "threshold": task.threshold,
        "min_tree_fraction": task.min_tree_fraction,
    }
    return Manifest(
        task=task.name,
        options=options,
        graphs={"fp32": GRAPH},
        intended_input=with_origin(INTENDED, notes),
        golden=Golden(),
        origin={
            "network": "angiogram quality, variant B, 3434227 parameters",
            "trained_on": trained_on(notes),
            "training": notes,
            "held_out": json.loads(report.read_text()) if report else None,
            "opset": OPSET,
            "parity_with_torch": parity,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    )
