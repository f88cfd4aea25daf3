"""A grade is read from numbers, or not at all."""

import numpy as np
import pytest

import sdk

SIDE = 64


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_grade_of_a_device_that_is_no_number_is_a_failure(value):
    """The session does not look at outputs there."""
    task = sdk.AngiogramQuality(size=(SIDE, SIDE))
    outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in task.outputs}
    outputs["grade"][0, 1] = value
    frame = sdk.Frame(pixels=np.zeros((SIDE, SIDE), np.uint16))
    with pytest.raises(sdk.BackendError, match=r"graded this frame \[0.0, .*, 0.0\], expected"):
        task.postprocess(outputs, frame)
