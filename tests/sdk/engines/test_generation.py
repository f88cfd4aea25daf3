"""Capabilities are told from names; TensorRT here is a stand-in, the real names are compared in
tests/tensorrt_api.
"""

import pytest
import tensorrt_stand_in

from sdk.engines.generation import generation_of
from sdk.errors import BackendError


@pytest.mark.parametrize(
    ("version", "explicit", "strong", "weak"),
    [
        ("8.6.1", True, False, True),
        ("10.3.0", False, True, True),
        ("11.4.0.106", False, True, False),
    ],
)
def test_tells_generations_apart(version, explicit, strong, weak):
    generation = generation_of(tensorrt_stand_in.make(version))
    assert generation.needs_explicit_batch == explicit
    assert (generation.strong_typing, generation.weak_typing) == (strong, weak)
    assert generation.progress == strong


def test_a_version_string_decides_nothing():
    trt = tensorrt_stand_in.make("11.4.0.106")
    trt.__version__ = "8.6.1"
    assert generation_of(trt) == generation_of(tensorrt_stand_in.make("11.4.0.106"))


def test_refuses_what_has_no_tensors_api():
    trt = tensorrt_stand_in.make("8.6.1")
    trt.IExecutionContext = object
    with pytest.raises(BackendError, match="comes with JetPack"):
        generation_of(trt)
