"""Scores of artery networks on whole sequences, by patches or full frame, and frame by frame."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn

from sdk.backends import open_backend
from sdk.model_folder import ModelFolder
from sdk.tasks import make_task
from training.mask_metrics import MaskScores, mask_scores
from training.metrics import bootstrap_interval, dice
from training.networks.artery_stream import StreamingVssNet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from training.datasets.sequence_pool import SequencePool

    Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
    """Inputs (T, rows, columns) -> probabilities (rows, columns)."""

PATCH, STRIDE = 64, 32
"""Of the published inference."""


@torch.no_grad()
def whole_frames(network: nn.Module, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability (rows, columns) of arteries in a sequence (T, rows, columns), at once."""
    network.eval()
    like = next(network.parameters())
    answer = log_odds_of(network, torch.from_numpy(inputs)[None].to(like.device))
    return np.asarray(torch.sigmoid(answer)[0, 0].float().cpu().numpy())


@torch.no_grad()
def by_patches(network: nn.Module, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """As `whole_frames`, the mean over overlapping patches: the published operating point.

    Networks with InstanceNorm were trained on patches and see other statistics in a whole frame.
    """
    rows, columns = inputs.shape[1:]
    beyond = [STRIDE - (side - PATCH) % STRIDE for side in (rows, columns)]
    padded = np.pad(inputs, ((0, 0), (0, beyond[0]), (0, beyond[1])))
    total, count = np.zeros((2, *padded.shape[1:]), np.float32)
    for row in range(0, padded.shape[1] - PATCH + 1, STRIDE):
        starts = range(0, padded.shape[2] - PATCH + 1, STRIDE)
        strip = padded[:, row : row + PATCH]
        patches = np.stack([strip[..., left : left + PATCH] for left in starts])
        network.eval()
        like = next(network.parameters())
        answer = log_odds_of(network, torch.from_numpy(patches).to(like.device))
        odds = torch.sigmoid(answer)[:, 0].float().cpu().numpy()
        for left, patch in zip(starts, odds, strict=True):
            total[row : row + PATCH, left : left + PATCH] += patch
            count[row : row + PATCH, left : left + PATCH] += 1
    return np.asarray((total / count)[:rows, :columns])


def by_folder(folder: Path, precision: str = "fp32") -> Predict:
    """The graph of a model folder, frame by frame as the device runs it; the answer at the end.

    Raises:
        ModelFolderError: the folder is damaged or foreign, or has no such precision.
    """
    model = ModelFolder.open(folder)
    backend = open_backend(model.graph(precision))
    backend.carry(make_task(model).states)

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        backend.begin_run()
        for frame in inputs:
            backend.inputs["frame"][0, 0] = frame
            backend.run()
        odds: NDArray[np.float32] = expit(backend.outputs["arteries"][0, 0])
        return odds

    return predict


def log_odds_of(network: nn.Module, sequences: Tensor) -> Tensor:
    """(B, T, rows, columns) -> (B, 1, rows, columns): a streaming network's answer at the end."""
    answer = network(sequences)
    return answer.arteries if isinstance(network, StreamingVssNet) else answer  # type: ignore[no-any-return]


def score_pool(predict: Predict, pool: SequencePool) -> list[MaskScores]:
    """Scores of every sequence against its union."""
    found = []
    for index in range(len(pool)):
        probability = predict(pool.sequence(index).inputs)
        found.append(mask_scores(probability, pool.mask(index) > 0))
    return found


def summary(scores: list[MaskScores]) -> dict[str, Any]:
    """Mean of every score over the sequences, with its 95 % interval, and their number.

    The standard deviation over the sequences stands beside it, as papers print it.
    """
    table: dict[str, Any] = {"sequences": len(scores)}
    for entry in fields(MaskScores):
        values = np.array([getattr(score, entry.name) for score in scores])
        known = values[~np.isnan(values)]
        if known.size:
            mean = asdict(bootstrap_interval(known))
            table[entry.name] = {**mean, "std": float(known.std())}
        else:
            table[entry.name] = None
    return table


@torch.no_grad()
def dice_of_prefixes(network: StreamingVssNet, pool: SequencePool) -> list[list[float]]:
    """For every sequence, Dice against its whole union after each of its frames."""
    network.eval()
    like, curves = next(network.parameters()), []
    for index in range(len(pool)):
        inputs, truth = pool.sequence(index).inputs, pool.mask(index) > 0
        state = tuple(entry.to(like.device) for entry in network.initial_state(*truth.shape))
        curve = []
        for image in inputs:
            frame = torch.from_numpy(image)[None, None].to(like.device)
            arteries, _, state = network.step(frame, state)
            curve.append(dice((arteries[0, 0] > 0).cpu().numpy(), truth))
        curves.append(curve)
    return curves
