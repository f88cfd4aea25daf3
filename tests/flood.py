"""Connected components found by flooding: obviously right, and slow."""

from itertools import product

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st


def neighbours(ndim, connectivity):
    """The steps to the pixels that touch: those that move along few enough axes at once."""
    axes = {4: 1, 8: 2, 6: 1, 18: 2, 26: 3}[connectivity]
    steps = product((-1, 0, 1), repeat=ndim)
    return [step for step in steps if 0 < sum(map(abs, step)) <= axes]


def flood(mask, connectivity):
    """Labels in the order of the first pixel, found by flooding from it."""
    labels = np.zeros(mask.shape, np.int32)
    steps = neighbours(mask.ndim, connectivity)
    for seed in map(tuple, np.argwhere(mask).tolist()):
        if labels[seed]:
            continue
        label = labels.max() + 1
        labels[seed] = label
        edge = [seed]
        while edge:
            pixel = edge.pop()
            for step in steps:
                near = tuple(i + di for i, di in zip(pixel, step, strict=True))
                inside = all(0 <= i < n for i, n in zip(near, mask.shape, strict=True))
                if inside and mask[near] and not labels[near]:
                    labels[near] = label
                    edge.append(near)
    return labels


@st.composite
def masks(draw, cells=700):
    ndim = draw(st.sampled_from([2, 3]))
    long = draw(st.sampled_from([1, 5, 20, 63, 64, 65, 128, 131]))
    shape = [draw(st.integers(1, 7)) for _ in range(ndim - 1)] + [long]
    assume(np.prod(shape) <= cells)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0, 0.05, 0.3, 0.6, 0.9, 1]))
    values = rng.integers(1, 256, shape, np.uint8)
    mask = np.where(rng.random(shape) < share, values, 0).astype(np.uint8)
    return mask, draw(st.sampled_from([4, 8] if ndim == 2 else [6, 18, 26]))
