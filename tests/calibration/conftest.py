"""A model folder to calibrate, and runs to calibrate it with."""

import numpy as np
import pytest
from small_nets import branched

from export.bring_your_own import Description, import_network

SIDE = 48


@pytest.fixture
def model(tmp_path):
    network = branched(tmp_path / "net.onnx", (SIDE, SIDE))
    return import_network(network, tmp_path / "model", Description()).path


@pytest.fixture
def runs(tmp_path):
    random, paths = np.random.default_rng(3), []
    for number in range(2):
        coarse = random.integers(0, 3000, (5, 8, 8)).repeat(8, axis=1).repeat(8, axis=2)
        frames = (coarse + random.integers(0, 900, coarse.shape)).astype(np.uint16)
        paths.append(tmp_path / f"run{number}.npy")
        np.save(paths[-1], frames)
    return [str(path) for path in paths]
