"""Memory that calls use again refuses a second call while one is under way."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sdk import kernels
from sdk.kernels import NmsOptions

IDLE = "workspace must be idle, got one that another thread is using; give each thread its own"
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 4096, (900, 900), np.uint16)
LOGITS = RNG.normal(size=(900, 900)).astype(np.float32)
CORNERS = RNG.uniform(0, 5000, (6000, 2)).astype(np.float32)
BOXES = np.hstack([CORNERS, CORNERS + 20])
APART = NmsOptions(iou_threshold=0.5)
SCORES = RNG.uniform(0, 1, len(BOXES)).astype(np.float32)

CALLS = {
    "percentiles": (
        kernels.PercentileWorkspace,
        lambda memory: kernels.percentiles(PIXELS, (1, 99), workspace=memory).values,
    ),
    "nms": (
        kernels.BoxWorkspace,
        lambda memory: len(
            kernels.nms(BOXES, SCORES, NmsOptions(iou_threshold=0.5), workspace=memory)
        ),
    ),
    "estimate_shift": (
        kernels.ShiftWorkspace,
        lambda memory: kernels.estimate_shift(PIXELS, PIXELS, workspace=memory).shift_px,
    ),
    "threshold": (
        kernels.ThresholdWorkspace,
        lambda memory: kernels.threshold(
            LOGITS, 0.0, out=np.empty((1800, 1800), np.uint8), workspace=memory
        ),
    ),
    "components": (
        kernels.ComponentsWorkspace,
        lambda memory: kernels.components((LOGITS > 0).view(np.uint8), workspace=memory).count,
    ),
}


def until_it_meets_another(call, memory, met):
    """What every call gave that was not refused."""
    answers = []
    for _ in range(3000):
        try:
            answers.append(call(memory))
        except ValueError as error:
            assert str(error) == IDLE  # noqa: PT017  most calls are not refused
            met.set()
        if met.is_set():
            break
    return answers


@pytest.mark.parametrize("name", CALLS)
def test_a_second_thread_is_refused_and_spoils_nothing(name):
    make, call = CALLS[name]
    memory, expected, met = make(), call(None), threading.Event()
    with ThreadPoolExecutor(3) as pool:
        threads = [pool.submit(until_it_meets_another, call, memory, met) for _ in range(3)]
        answers = [answer for thread in threads for answer in thread.result()]
    assert met.is_set()
    assert answers
    assert all(answer == expected for answer in answers)
    assert call(memory) == expected  # it is free again
