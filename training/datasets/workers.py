"""Phantoms drawn by several processes, with a bar that says how far they are."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import track

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Made = TypeVar("Made")
TITLE = "drawing phantoms"
THREADS = "OMP_NUM_THREADS"
"""Threads of the libraries behind NumPy and torch, read when a process loads them."""


def drawn(
    make: Callable[..., Made], columns: Sequence[Sequence[Any]], *, workers: int, chunk: int = 4
) -> Iterator[Made]:
    """What `make` gives for every row of the columns, in their order.

    The processes begin afresh: copies of one that has computed with torch would wait forever for
    threads that were not copied. Each computes with one thread, unless the environment says
    otherwise: there are several of them. For fewer than two chunks none is started.
    """
    count, bar = len(columns[0]), Console(stderr=True)  # scores go to standard output
    workers = min(workers, count // chunk)
    if workers <= 1:
        yield from track(map(make, *columns), TITLE, total=count, console=bar)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        with _one_thread_each():
            made = executor.map(make, *columns, chunksize=chunk)
        yield from track(made, TITLE, total=count, console=bar)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started inside compute with one thread, unless the environment says otherwise."""
    before = os.environ.get(THREADS)
    os.environ[THREADS] = before or "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before
