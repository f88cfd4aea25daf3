"""What is shipped passes the tests that devices put it to."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from sdk.acceptance import qualify
from sdk.backends import open_backend
from sdk.golden import relative_difference
from sdk.model_folder import ModelFolder
from sdk.tasks import contract_of, parts_of

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(path.parent for path in (ROOT / "models").glob("*/manifest.json"))
GRAPHS = [
    pytest.param(part, precision, id=f"{path.name}-{getattr(part, 'name', '')}-{precision}")
    for path in FOLDERS
    for part in parts_of(ModelFolder.open(path))
    for precision in part.manifest.graphs
]


@pytest.mark.parametrize(("part", "precision"), GRAPHS)
def test_every_graph_earns_a_certificate(part, precision):
    with (
        closing(open_backend(part.graph("fp32"))) as reference,
        closing(open_backend(part.graph(precision))) as candidate,
    ):
        certificate = qualify(part, contract_of(part), precision, reference, candidate)
    assert certificate.shortfalls == ()


@pytest.mark.parametrize("precision", ["fp32", "int8.cpu"])
def test_a_device_that_loses_what_it_carries_is_found_out(precision):
    folder = ModelFolder.open(ROOT / "models" / "artery_sequence")
    *_, (inputs, recorded) = folder.golden()
    with closing(open_backend(folder.graph(precision))) as backend:
        backend.carry(contract_of(folder).states)
        backend.begin_run()
        np.copyto(backend.inputs["frame"], inputs["frame"])
        backend.run()
        for name, expected in recorded.items():
            limit = folder.manifest.golden.tolerance_of(precision, name)
            assert relative_difference(expected, backend.outputs[name]) > limit
