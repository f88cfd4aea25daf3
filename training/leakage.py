"""Leakage control: how well image statistics alone tell the grade, without looking at vessels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.datasets.angiogram_pool import GRADES, AngiogramPool
from training.metrics import Estimate, wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = (1, 5, 25, 50, 75, 95, 99)
"""Percentiles of the grey values that serve as features."""
HIDDEN = 32
EPOCHS = 400


def statistics(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Twelve numbers of a frame (rows, columns): grey values, gradients, noise; nothing local."""
    image = pixels.astype(np.float32) / 255
    rows, columns = np.gradient(image)
    energy = rows**2 + columns**2
    laplacian = cv2.Laplacian(image, cv2.CV_32F)
    spread = float(np.median(np.abs(laplacian - np.median(laplacian))))
    numbers = [
        float(image.mean()),
        float(image.std()),
        *np.percentile(image, LEVELS).tolist(),
        float(np.log(energy.mean() + 1e-6)),
        float(np.log(laplacian.var() + 1e-6)),
        float(np.log(spread + 1e-4)),
    ]
    return np.array(numbers, np.float32)


def table(pool: AngiogramPool) -> NDArray[np.float32]:
    """(N, 12) statistics of the frames of a pool."""
    return np.stack([statistics(pixels) for pixels in pool.inputs])


def _classifier(features: int, hidden: int) -> nn.Sequential:
    if hidden == 0:
        return nn.Sequential(nn.Linear(features, GRADES))
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, GRADES))


def leakage_accuracy(
    training: AngiogramPool, test: AngiogramPool, *, hidden: int = HIDDEN
) -> Estimate:
    """Accuracy on `test` of a small network that sees statistics of the `training` frames only."""
    predicted = leakage_grades(training, test, hidden=hidden)
    return wilson_interval(int((predicted == test.grades).sum()), len(test))


def leakage_grades(
    training: AngiogramPool, test: AngiogramPool, *, hidden: int = HIDDEN
) -> NDArray[np.int64]:
    """(N,) grades that such a network gives; with `hidden` = 0 it is a logistic regression."""
    features, unseen = table(training), table(test)
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    inputs = torch.from_numpy((features - centre) / scale)
    grades = torch.from_numpy(training.grades.copy())
    torch.manual_seed(0)
    model = _classifier(inputs.shape[1], hidden)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-3)
    for _ in range(EPOCHS):
        optimiser.zero_grad()
        loss = functional.cross_entropy(model(inputs), grades)
        torch.autograd.backward(loss)
        optimiser.step()
    with torch.no_grad():
        logits = model(torch.from_numpy((unseen - centre) / scale))
    return np.asarray(logits.argmax(1).numpy(), np.int64)
