"""What is painted into patches darkens the brain, and leaves everything else as it was."""

import numpy as np

from training.datasets.brain_batches import with_deposits


def test_deposits_darken_the_brain_and_leave_coordinates_and_empty_patches_alone() -> None:
    inputs = np.full((8, 5, 8, 32, 32), 0.5, np.float32)
    regions = np.ones((8, 8, 32, 32), np.int64)
    regions[0] = 0
    before = inputs.copy()
    painted = with_deposits(np.random.default_rng(0), inputs, regions)
    assert np.array_equal(inputs, before)
    assert np.array_equal(painted[0], before[0]), "there is no brain to bleed into"
    assert np.array_equal(painted[:, 2:], before[:, 2:])
    assert (painted[:, 0] <= 0.5).all()
    assert painted[:, 0].min() < 0.25
    assert painted[:, 1].min() >= 0
    assert painted[:, 1].max() <= 1
    again = with_deposits(np.random.default_rng(0), inputs, regions)
    assert np.array_equal(painted, again)
