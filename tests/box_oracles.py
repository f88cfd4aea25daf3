"""Naive overlaps of boxes and random crowds of them, for every test of the box kernels."""

import numpy as np


def iou(one, others):
    """Intersection over union of one box with each of (n, 2 d) others."""
    d = others.shape[1] // 2
    sides = np.minimum(one[d:], others[:, d:]) - np.maximum(one[:d], others[:, :d])
    shared = np.prod(np.maximum(sides, 0), 1)
    measure = np.prod(others[:, d:] - others[:, :d], 1)
    return shared / (np.prod(one[d:] - one[:d]) + measure - shared)


def crowd(seed, n, d, spread=50.0):
    """Boxes that overlap each other often, and positive scores, a tenth of them tied."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, spread, (n, d))
    boxes = np.concatenate([low, low + rng.uniform(1, 20, (n, d))], 1).astype(np.float32)
    scores = rng.uniform(0.05, 1, n).astype(np.float32)
    if n:
        scores[rng.integers(0, n, n // 10)] = scores[rng.integers(0, n, n // 10)]
    return boxes, scores
