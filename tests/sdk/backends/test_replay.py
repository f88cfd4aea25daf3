"""The public stand-in gives what was recorded, over and over."""

import numpy as np
import pytest

from sdk import BackendError, ReplayBackend
from sdk.backends import Backend
from sdk.tensors import TensorSpec

INPUTS = [TensorSpec("image", (1, 2))]


def test_gives_the_recordings_in_turn():
    backend = ReplayBackend(INPUTS, [{"logits": np.full(3, i)} for i in (1, 2)])
    given = []
    for _ in range(3):
        backend.run()
        given.append(int(backend.outputs["logits"][0]))
    assert given == [1, 2, 1]


def test_makes_its_tensors_once():
    backend = ReplayBackend(INPUTS, [{"logits": np.zeros(3)}])
    before = backend.outputs["logits"]
    backend.run()
    assert backend.outputs["logits"] is before


def test_nothing_recorded_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        ReplayBackend(INPUTS, [])


class Stateless(ReplayBackend):
    carry = Backend.carry


def test_a_backend_without_memory_says_so():
    backend = Stateless(INPUTS, [{"logits": np.zeros(3)}])
    backend.carry({})
    with pytest.raises(BackendError, match=r"replay keeps no tensors.* needs hidden_in"):
        backend.carry({"hidden_in": "hidden_out"})
