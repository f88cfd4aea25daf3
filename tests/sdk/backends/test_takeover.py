"""One backend answers until the other is ready, and between runs the other takes over."""

import threading
from functools import partial

import numpy as np
import pytest

from sdk import BackendError, ReplayBackend
from sdk.backends import Backend, TakeoverBackend
from sdk.tensors import TensorSpec

INPUTS = [TensorSpec("image", (1, 2))]


class Named(ReplayBackend):
    """Gives one number, and remembers that it was closed."""

    def __init__(self, name, value):
        super().__init__(INPUTS, [{"logits": np.full(1, value)}])
        self.name, self.closed, self.carried = name, False, {}

    def carry(self, states):
        self.carried = states

    def close(self):
        self.closed = True


class Prepared:
    """Is ready when told so."""

    def __init__(self, result):
        self.go, self.result = threading.Event(), result

    def __call__(self):
        assert self.go.wait(60)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def answer(backend):
    backend.begin_run()
    backend.run()
    return float(backend.outputs["logits"][0])


@pytest.fixture
def cpu():
    return Named("cpu", 1.0)


@pytest.fixture
def gpu():
    return Named("gpu", 2.0)


def test_the_first_answers_and_says_so_until_the_other_is_ready(cpu, gpu):
    prepare = Prepared(gpu)
    backend = TakeoverBackend(cpu, prepare, wanted="the engine")
    assert answer(backend) == 1.0
    assert backend.name == "cpu"
    assert backend.notes == ("the engine is not ready yet, cpu answers",)
    assert not backend.wait(0.0)
    prepare.go.set()
    assert backend.wait(60)
    assert answer(backend) == 2.0
    assert (backend.name, backend.notes, backend.identity) == ("gpu", (), {"backend": "gpu"})
    assert cpu.closed
    assert not gpu.closed


def test_nothing_changes_within_a_run(cpu, gpu):
    prepare = Prepared(gpu)
    backend = TakeoverBackend(cpu, prepare, wanted="the engine")
    backend.begin_run()
    prepare.go.set()
    backend.wait(60)
    backend.run()
    assert backend.outputs["logits"][0] == 1.0
    assert not cpu.closed


@pytest.mark.parametrize("error", [BackendError("no certificate"), ZeroDivisionError("a slip")])
def test_a_failure_is_said_in_the_notes_and_the_first_goes_on(cpu, error):
    prepare = Prepared(error)
    backend = TakeoverBackend(cpu, prepare, wanted="the engine")
    prepare.go.set()
    backend.wait(60)
    assert answer(backend) == 1.0
    assert backend.notes == (f"the engine could not be made ready, cpu answers: {error}",)
    assert answer(backend) == 1.0


def test_notes_of_the_other_are_passed_on(cpu, gpu):
    gpu.notes = ("this engine is not certified",)
    prepare = Prepared(gpu)
    backend = TakeoverBackend(cpu, prepare, wanted="the engine")
    prepare.go.set()
    backend.wait(60)
    answer(backend)
    assert backend.notes == gpu.notes


def test_both_carry_the_states(cpu, gpu):
    prepare, states = Prepared(gpu), {"memory_in": "memory_out"}
    backend = TakeoverBackend(cpu, prepare, wanted="the engine")
    backend.carry(states)
    assert (cpu.carried, gpu.carried) == (states, {})
    prepare.go.set()
    backend.wait(60)
    assert answer(backend) == 2.0
    assert gpu.carried == states


def test_another_that_cannot_carry_the_states_does_not_take_over(cpu, gpu):
    prepare = Prepared(gpu)
    gpu.carry = partial(Backend.carry, gpu)
    backend = TakeoverBackend(cpu, prepare, wanted="the engine")
    backend.carry({"memory_in": "memory_out"})
    prepare.go.set()
    backend.wait(60)
    assert answer(backend) == 1.0
    (note,) = backend.notes
    assert "could not be made ready, cpu answers: gpu keeps no tensors between frames" in note
    assert gpu.closed


def test_what_fails_in_a_way_of_its_own_is_closed_too(cpu, gpu):
    def fail(_states):
        raise RuntimeError("out of device memory")

    prepare = Prepared(gpu)
    gpu.carry = fail
    backend = TakeoverBackend(cpu, prepare, wanted="the engine")
    backend.carry({"memory_in": "memory_out"})
    prepare.go.set()
    backend.wait(60)
    assert answer(backend) == 1.0
    assert "out of device memory" in backend.notes[0]
    assert gpu.closed


def test_what_is_ready_too_late_is_closed(cpu, gpu):
    prepare, closed = Prepared(gpu), threading.Event()
    gpu.close = closed.set
    backend = TakeoverBackend(cpu, prepare, wanted="the engine")
    backend.close()
    backend.close()
    assert cpu.closed
    prepare.go.set()
    assert closed.wait(60)
