"""On a real device, without any stand-in: built, qualified, run."""

import folders
import numpy as np
import pytest
from folders import dark_square

from sdk import BackendError, Frame, Session, TensorRT
from sdk.acceptance import certify, find_engine
from sdk.engines import BuildRequest, build_engines, open_toolkit

pytestmark = pytest.mark.gpu


@pytest.fixture
def toolkit():
    pytest.importorskip("pycuda", reason="PyCUDA is not installed")
    try:
        return open_toolkit()
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_an_engine_is_built_qualified_and_answers_as_the_cpu_does(tmp_path, toolkit, precision):
    folder = folders.quality_folder(tmp_path / "model")
    cache = tmp_path / "engines"
    build_engines(folder, toolkit, BuildRequest(precision=precision, cache=cache))
    certificate = certify(folder, find_engine(folder, precision, cache))
    assert certificate.passed, certificate.shortfalls
    frame = Frame(pixels=dark_square())
    with (
        Session(folder.path, precision=precision, backend=TensorRT(cache=cache)) as on_gpu,
        Session(folder.path) as on_cpu,
    ):
        outcome, expected = on_gpu(frame), on_cpu(frame).require()
    assert outcome.backend == f"tensorrt-{precision}"
    assert outcome.require().grade == expected.grade
    np.testing.assert_array_equal(outcome.require().vessels.mask, expected.vessels.mask)
