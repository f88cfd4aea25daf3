"""A pixel is vessel from a probability on, whatever task reads it."""

import numpy as np
import pytest

from sdk.errors import ModelFolderError
from sdk.model_folder import Manifest, ModelFolder
from sdk.tasks import make_task
from sdk.tasks.vessels import logit_of


@pytest.mark.parametrize("threshold", [1e-6, 0.2, 0.5, 0.97])
def test_a_sigmoid_of_the_logit_is_the_threshold(threshold):
    assert 1 / (1 + np.exp(-logit_of(threshold))) == pytest.approx(threshold)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.1, float("nan")])
@pytest.mark.parametrize("task", ["angiogram_quality", "artery_sequence"])
def test_a_threshold_that_no_pixel_or_every_pixel_reaches_is_refused(tmp_path, task, threshold):
    manifest = Manifest(task=task, options={"threshold": threshold}, graphs={})
    with pytest.raises(ModelFolderError, match="threshold must be a probability between 0 and 1"):
        make_task(ModelFolder(tmp_path, manifest))
