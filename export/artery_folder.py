"""Makes the model folder of the artery sequence task from a trained streaming network."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from export.artery_sequence import export, task_of
from export.graph import OPSET
from export.origin import kept_card, trained_on, versions, with_origin
from sdk.golden import Golden, GoldenPair, pack_golden
from sdk.model_folder import IntendedInput, Manifest, ModelFolder, write_folder
from sdk.tasks import options_of
from training.networks.artery_stream import StreamingVssNet
from training.networks.cost import giga_macs
from training.networks.sequence_blocks import SequenceConfig
from training.phantoms.artery_sequence import phantom_sequence
from training.preprocess import frames_of, sequence_input
from training.recipes.checkpoint import load_weights

GRAPH = "graph.fp32.onnx"
GOLDEN_SEED = 9_000_011
"""A phantom that no training or test pool holds."""
GOLDEN_FRAMES = 3
INTENDED = IntendedInput(
    min_size=(256, 256),
    max_size=(2048, 2048),
    bits_stored=(8, 16),
    note="Subtracted runs. Trained on phantoms only: a technology demonstration, not for "
    "clinical use.",
)


def make_folder(
    checkpoint: Path, report: Path | None, out: Path, *, size: int = 512
) -> ModelFolder:
    """Exports the graph, records a golden run with torch, and writes the folder.

    The shape of the network is read from the checkpoint. A model card that lies in the folder
    already is kept, and vouched for like every file.

    Raises:
        ValueError: the checkpoint is of another recipe, or the graph does not compute what the
            network computes.
        ModelFolderError: the folder cannot be read back.
    """
    network = StreamingVssNet(config_of(checkpoint)).eval()
    notes = load_weights(checkpoint, network)
    with tempfile.TemporaryDirectory() as folder:
        parity = export(network, Path(folder) / GRAPH, size)
        files = {GRAPH: (Path(folder) / GRAPH).read_bytes()}
    files |= {"golden.npz": pack_golden(golden_run(network, size)), **kept_card(out)}
    origin = {
        "network": _described(network, size),
        "trained_on": trained_on(notes),
        "training": notes,
        "held_out": json.loads(report.read_text()) if report else None,
        "opset": OPSET,
        "parity_with_torch": asdict(parity),
    } | versions()
    return write_folder(out, _manifest(size, origin), files)


def _manifest(size: int, origin: dict[str, Any]) -> Manifest:
    task = task_of(size)
    return Manifest(
        task=task.name,
        options=options_of(task),
        graphs={"fp32": GRAPH},
        intended_input=with_origin(INTENDED, origin["training"]),
        golden=Golden(),
        origin=origin,
    )


def config_of(checkpoint: Path) -> SequenceConfig:
    """Shape of the network, from the notes of a checkpoint of the recipe `stream`.

    Raises:
        ValueError: the checkpoint is not of that recipe.
    """
    with safe_open(checkpoint, "pt") as file:
        recipe = json.loads((file.metadata() or {}).get("notes", "{}")).get("recipe", {})
    if "teacher" not in recipe:
        message = f"expected weights of the recipe stream, {checkpoint} holds others"
        raise ValueError(message)
    shape: dict[str, Any] = recipe["network"]
    return SequenceConfig(**{**shape, "widths": tuple(shape["widths"])})


def golden_run(network: StreamingVssNet, size: int) -> list[GoldenPair]:
    """The first, the middle and the last frame of a run and the network's answers to them.

    As every run it begins without contrast: a network that never saw another beginning answers one
    full of contrast by chance, and then quantisation changes much.
    """
    run = frames_of(phantom_sequence(GOLDEN_SEED, size))
    images = sequence_input(run, size).astype(np.float16)
    images = images[np.linspace(0, len(images) - 1, GOLDEN_FRAMES).round().astype(int)]
    state, pairs = network.initial_state(size, size), []
    for image in images[:, None, None]:
        with torch.no_grad():
            answer = network.step(torch.from_numpy(image.astype(np.float32)), state)
        arteries, filled, state = answer
        pairs.append(({"frame": image}, {"arteries": arteries.numpy(), "filled": filled.numpy()}))
    return pairs


def _described(network: StreamingVssNet, size: int) -> str:
    count = sum(entry.numel() for entry in network.parameters())
    frame, state = torch.zeros(1, 1, size, size), network.initial_state(size, size)
    cost = giga_macs(network.step, frame, state)
    return f"streaming VSS-Net, {count} parameters, {cost:.2f} GMAC per frame of {size} x {size}"
