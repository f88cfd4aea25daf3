"""Artery networks scored as they are deployed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sdk.backends import open_backend
from sdk.errors import ModelFolderError
from sdk.model_folder import ModelFolder
from training.sequence_evaluation import by_folder

MODEL = Path(__file__).resolve().parents[2] / "models" / "artery_sequence"


def test_a_folder_answers_whole_runs_with_a_memory_of_each() -> None:
    predict = by_folder(MODEL)
    frames = np.random.default_rng(0).normal(0, 0.3, (3, 512, 512)).astype(np.float32)
    frames[1:, 200:210] -= 2.5
    once, alone, again = predict(frames), predict(frames[2:]), predict(frames)
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - alone).max() > 0.01
    backend = open_backend(ModelFolder.open(MODEL).graph("fp32"))
    for tensor in backend.inputs.values():
        tensor[...] = 0
    backend.inputs["frame"][0, 0] = frames[2]
    backend.run()
    answer = backend.outputs["arteries"][0, 0]
    np.testing.assert_array_equal(alone > 0.5, answer > 0)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ModelFolderError, match="int3"):
        by_folder(MODEL, "int3")
