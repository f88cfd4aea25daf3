"""Checkpoints as safetensors: weights alone, or everything a training needs to go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from safetensors import safe_open
from safetensors.torch import load_file, save

from sdk.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor, nn

ADAM_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def save_weights(path: Path, network: nn.Module, notes: dict[str, Any]) -> None:
    """Write parameters and buffers, with notes in the file's metadata."""
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    _write(path, state, notes)


def load_weights(path: Path, network: nn.Module) -> dict[str, Any]:
    """Read what `save_weights` wrote into a network of the same shape; returns the notes."""
    network.load_state_dict(load_file(path))
    return read_notes(path)


def save_training(
    path: Path,
    networks: dict[str, nn.Module],
    optimiser: torch.optim.Optimizer,
    notes: dict[str, Any],
) -> None:
    """Write several networks, the optimiser's moments and notes into one file."""
    state: dict[str, Tensor] = {}
    for name, network in networks.items():
        for key, tensor in network.state_dict().items():
            state[f"{name}.{key}"] = tensor.contiguous()
    for index, moments in optimiser.state_dict()["state"].items():
        for moment in ADAM_MOMENTS:
            state[f"optimiser.{index}.{moment}"] = moments[moment].contiguous()
    _write(path, state, notes)


def load_training(
    path: Path, networks: dict[str, nn.Module], optimiser: torch.optim.Optimizer
) -> dict[str, Any]:
    """Read what `save_training` wrote; returns the notes."""
    state = load_file(path)
    for name, network in networks.items():
        prefix = f"{name}."
        own = {key[len(prefix) :]: state[key] for key in state if key.startswith(prefix)}
        network.load_state_dict(own)
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        if key.startswith("optimiser."):
            _, index, moment = key.split(".")
            moments.setdefault(int(index), {})[moment] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})
    return read_notes(path)


def _write(path: Path, state: dict[str, Tensor], notes: dict[str, Any]) -> None:
    """A training that is stopped leaves a whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = {key: tensor.clone() for key, tensor in state.items()}
    write_whole(path, save(own, {"notes": json.dumps(notes)}))


def read_notes(path: Path) -> dict[str, Any]:
    """The notes of a file, without its tensors."""
    with safe_open(path, "pt") as file:
        notes: dict[str, Any] = json.loads(file.metadata()["notes"])
    return notes
