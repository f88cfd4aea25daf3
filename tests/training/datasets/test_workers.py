"""Processes draw the same as one does, whatever this one has computed before."""

import os

import pytest
import torch

from training.datasets.workers import drawn


def process_of(number: int, _: int) -> tuple[int, int]:
    return number, os.getpid()


def threads_of(_: int) -> str:
    return os.environ["OMP_NUM_THREADS"]


@pytest.fixture
def busy_torch():
    """Threads of torch that a copied process would wait for."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.ones(300, 300) @ torch.ones(300, 300)
    yield
    torch.set_num_threads(before)


def products(number: int) -> float:
    torch.set_num_threads(2)
    return float((torch.full((300, 300), float(number)) @ torch.ones(300, 300))[0, 0])


@pytest.mark.usefixtures("busy_torch")
def test_processes_compute_after_this_one_has():
    assert list(drawn(products, [range(4)], workers=2, chunk=2)) == [0, 300, 600, 900]


def test_the_order_is_that_of_the_rows():
    found = list(drawn(process_of, [range(9), [0] * 9], workers=2, chunk=2))
    assert [number for number, _ in found] == list(range(9))
    assert os.getpid() not in {process for _, process in found}


def test_few_rows_are_drawn_here():
    found = list(drawn(process_of, [range(3), [0] * 3], workers=2, chunk=2))
    assert {process for _, process in found} == {os.getpid()}


@pytest.mark.parametrize(("here", "there"), [(None, "1"), ("3", "3")])
def test_a_process_computes_with_one_thread_unless_told_otherwise(monkeypatch, here, there):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if here:
        monkeypatch.setenv("OMP_NUM_THREADS", here)
    assert list(drawn(threads_of, [range(4)], workers=2, chunk=2)) == [there] * 4
    assert os.environ.get("OMP_NUM_THREADS") == here


def test_the_bar_leaves_standard_output_alone(capsys):
    assert list(drawn(abs, [range(2)], workers=1)) == [0, 1]
    told = capsys.readouterr()
    assert told.out == ""
    assert "drawing phantoms" in told.err
