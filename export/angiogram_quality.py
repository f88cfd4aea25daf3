"""Exports the angiogram quality network to ONNX and checks that it computes the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch

from export.concatenations import split_concatenations
from export.fold import folded
from export.graph import (
    check_difference,
    check_graph,
    open_session,
    relative_difference,
    write_graph,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from training.networks.angiogram_quality import AngiogramQualityNet

INPUT, VESSELS, GRADE = "frame", "vessels", "grade"


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Largest differences of the logits, divided by the largest logit where that exceeds one."""

    vessels: float
    """Of the vessel logits."""
    grade: float
    """Of the grade logits."""


def export(network: AngiogramQualityNet, path: Path) -> Parity:
    """Write the graph with static shapes (1, channels, size, size) and compare it to the network.

    Raises:
        ValueError: the graph has another opset, a BatchNorm, a dynamic shape, or computes
            something else than the network.
    """
    plain = folded(network).float()
    frame = torch.zeros(1, network.config.channels, network.size, network.size)
    write_graph(plain, (frame,), path, [INPUT], [VESSELS, GRADE])
    model = onnx.load(path)
    split_concatenations(model)
    onnx.save(model, path)
    check_graph(path)
    return _check_parity(network, path)


def _check_parity(network: AngiogramQualityNet, path: Path) -> Parity:
    """Compare on a seeded frame with edges, noise and saturated parts."""
    side, rng = network.size, np.random.default_rng(0)
    frame = rng.random((1, network.config.channels, side, side), np.float32)
    frame[..., side // 4 : side // 2, :] = 0.0
    frame[..., side // 2 :, side // 2 :] = np.clip(frame[..., side // 2 :, side // 2 :] * 3, 0, 1)
    with torch.no_grad():
        expected = [output.numpy() for output in network.eval()(torch.from_numpy(frame))]
    got = run(path, frame)
    differences = [relative_difference(a, b) for a, b in zip(expected, got, strict=True)]
    check_difference(max(differences), path)
    return Parity(vessels=differences[0], grade=differences[1])


def run(path: Path, frame: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vessel logits and grade logits of one frame (1, channels, size, size), by ONNX Runtime."""
    session = open_session(path)
    vessels, grade = session.run([VESSELS, GRADE], {INPUT: frame})
    return vessels, grade
