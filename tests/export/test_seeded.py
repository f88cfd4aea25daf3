"""Seeded images show a network the values that frames hold."""

import numpy as np
import pytest

from export.seeded import GRAINS, _seeded_image
from sdk.tasks.segmentation import Segmentation


def task_of(side, **changes):
    shape = (1, 1, side, side)
    return Segmentation(
        input_name="image", input_shape=shape, output_name="logits", output_shape=shape, **changes
    )


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (255.0, 0.0)])
def test_they_hold_the_very_ends_of_the_range_and_much_between(grain, low, high):
    """A network that ends in a logarithm fails on an exact zero: at import, not in use."""
    image = _seeded_image(task_of(512, low=low, high=high), grain)
    assert image.min() == min(low, high)
    assert image.max() == max(low, high)
    between = (image > image.min()) & (image < image.max())
    assert 0.4 < between.mean() < 0.95


def test_they_are_the_same_every_time():
    task = task_of(64)
    np.testing.assert_array_equal(_seeded_image(task, 4), _seeded_image(task, 4))
