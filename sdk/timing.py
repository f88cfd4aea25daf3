"""Bounded per-stage latency record: always on, never growing."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

CAPACITY = 8192
STAGES = ("decode", "preprocess", "inference", "postprocess")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """What one stage cost, over the frames the record still holds.

    Attributes:
        frames: how many frames were measured since the record began.
        p50_ms: median.
        p90_ms: 90th percentile.
        p99_ms: 99th percentile.
        max_ms: worst frame since the record began, kept even when it left the window.
        jitter_ms: mean absolute difference between consecutive frames (RFC 3550, section 6.4.1,
            without the smoothing).
    """

    frames: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    jitter_ms: float


class LatencyRecord:
    """Milliseconds per stage of the last `CAPACITY` frames, in memory made once."""

    def __init__(self, stages: tuple[str, ...] = STAGES) -> None:
        self.stages = stages
        self._window = np.zeros((CAPACITY, len(stages)), np.float32)
        self._worst = np.zeros(len(stages) + 1)
        self._count = 0

    def add(self, stages_ms: Mapping[str, float]) -> None:
        """Records one frame; a stage that did not run counts as 0 ms."""
        row = self._window[self._count % CAPACITY]
        total = 0.0
        for column, stage in enumerate(self.stages):
            ms = stages_ms.get(stage, 0.0)
            row[column] = ms
            total += ms
            self._worst[column] = max(self._worst[column], ms)
        self._worst[-1] = max(self._worst[-1], total)
        self._count += 1

    def summary(self) -> dict[str, Latency]:
        """Latency of every stage and of their sum, ``total``; empty before the first frame."""
        if self._count == 0:
            return {}
        return {
            name: _latency(column, self._count, worst)
            for (name, column), worst in zip(self._columns().items(), self._worst, strict=True)
        }

    def slower_than(self, limit_ms: float) -> dict[str, int]:
        """How many of the frames still held took longer in a stage, and in all, ``total``."""
        return {name: int((column > limit_ms).sum()) for name, column in self._columns().items()}

    def reset(self) -> None:
        """Forgets every frame."""
        self._count = 0
        self._worst[:] = 0.0

    def _columns(self) -> dict[str, np.ndarray]:
        """Milliseconds of every stage and of their sum, the oldest frame first."""
        window = self._window[: self._count]
        if self._count > CAPACITY:
            window = np.roll(window, -(self._count % CAPACITY), axis=0)
        return dict(zip(self.stages, window.T, strict=True)) | {"total": window.sum(axis=1)}


class Stopwatch:
    """Milliseconds of the stages of one frame."""

    __slots__ = ("stages_ms",)

    def __init__(self) -> None:
        self.stages_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times the block, also when it raises; a stage that comes again adds up."""
        begin = time.perf_counter_ns()
        try:
            yield
        finally:
            took_ms = (time.perf_counter_ns() - begin) / 1e6
            self.stages_ms[name] = self.stages_ms.get(name, 0.0) + took_ms


def _latency(column: np.ndarray, frames: int, worst: float) -> Latency:
    p50, p90, p99 = np.percentile(column, (50, 90, 99))
    jitter = float(np.abs(np.diff(column)).mean()) if len(column) > 1 else 0.0
    return Latency(
        frames=frames,
        p50_ms=float(p50),
        p90_ms=float(p90),
        p99_ms=float(p99),
        max_ms=float(worst),
        jitter_ms=jitter,
    )
