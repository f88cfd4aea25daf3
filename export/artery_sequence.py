"""Exports the streaming artery network as a step: frame and states in, masks and states out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from export.fold_sequence import folded_stream
from export.graph import check_difference, open_session, relative_difference, write_graph
from sdk.tasks import ArterySequence
from training.networks.artery_stream import StreamingVssNet

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CHECKED_FRAMES = 4
"""Length of the run on which graph and network are compared."""


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Largest differences over a run, divided by the largest value where that exceeds one."""

    arteries: float
    """Of the log-odds of the arteries so far."""
    filled: float
    """Of the log-odds of the arteries filled in the frame."""
    states: float
    """Of what is handed to the next frame."""


class StepGraph(nn.Module):
    """`StreamingVssNet.step` with the states as plain arguments."""

    def __init__(self, network: StreamingVssNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Frame and states -> arteries, filled, new states."""
        arteries, filled, new = self.network.step(frame, states)
        return arteries, filled, *new


def task_of(size: int) -> ArterySequence:
    """The device's task, which names the tensors; every streaming network remembers the same."""
    return ArterySequence(size=(size, size), state_names=StreamingVssNet.state_names())


def export(network: StreamingVssNet, path: Path, size: int = 512) -> Parity:
    """Write the graph of one step on size x size frames and compare a run to the network's.

    Raises:
        ValueError: the size does not fit the network, or the graph is not what it should be,
            computes something else, or ignores a frame.
    """
    if size % network.config.size_step:
        message = f"expected a size that is a multiple of {network.config.size_step}, got {size}"
        raise ValueError(message)
    task = task_of(size)
    plain = StepGraph(folded_stream(network).float()).eval()
    inputs = (torch.zeros(1, 1, size, size), *network.float().initial_state(size, size))
    names = [spec.name for spec in task.inputs], [spec.name for spec in task.outputs]
    write_graph(plain, inputs, path, [*names[0], *task.states], [*names[1], *task.states.values()])
    run = np.random.default_rng(0).normal(0, 0.5, (CHECKED_FRAMES, 1, 1, size, size))
    frames = np.clip(run, *task.limits).astype(np.float32)
    parity = compare(network, path, frames)
    check_difference(max(parity.arteries, parity.filled, parity.states), path)
    check_influence(path, frames)
    return parity


def compare(network: StreamingVssNet, path: Path, frames: NDArray[np.float32]) -> Parity:
    """Largest differences of graph and network over the frames (T, 1, 1, size, size) of a run."""
    size = frames.shape[-1]
    state = network.eval().initial_state(size, size)
    worst = [0.0, 0.0, 0.0]
    for frame, got in zip(frames, run_graph(path, frames), strict=True):
        with torch.no_grad():
            arteries, filled, state = network.step(torch.from_numpy(frame), state)
        expected = [entry.numpy() for entry in (arteries, filled, *state)]
        found = [relative_difference(a, b) for a, b in zip(expected, got, strict=True)]
        worst = [max(a, b) for a, b in zip(worst, (*found[:2], max(found[2:])), strict=True)]
    return Parity(arteries=worst[0], filled=worst[1], states=worst[2])


def check_influence(path: Path, frames: NDArray[np.float32]) -> None:
    """Change every frame in turn: the arteries after the last one must change.

    Raises:
        ValueError: a frame has no influence.
    """
    last = run_graph(path, frames)[-1][0]
    for index in range(len(frames)):
        changed = frames.copy()
        changed[index] *= -1
        if np.array_equal(run_graph(path, changed)[-1][0], last):
            message = (
                f"frame {index} of {len(frames)} has no influence on the answer after the last; "
                f"{path.name} does not remember it, do not ship it"
            )
            raise ValueError(message)


def run_graph(path: Path, frames: NDArray[np.float32]) -> list[list[NDArray[np.float32]]]:
    """Outputs after each frame (T, 1, 1, size, size) of a run, in the graph's order."""
    session = open_session(path)
    first, *states = session.get_inputs()
    kept = {node.name: np.zeros(node.shape, np.float32) for node in states}
    answers = []
    for frame in frames:
        outputs = session.run(None, {first.name: frame, **kept})
        kept = dict(zip(kept, outputs[-len(states) :], strict=True))
        answers.append(outputs)
    return answers
