"""The run as a video with outlined vessels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sdk.outcome import Outcome
from sdk.pictures.overlay import draw_outcome

SIDE = 640
SLOWEST_FPS = 4.0
DEFAULT_FPS = 10.0


def write_video(outcomes: Sequence[Outcome[Any]], path: Path) -> None:
    """Writes a WebM (VP8) at the run's own rate, at least 4 frames per second.

    Raises:
        OSError: this build of OpenCV cannot write such a video, or the folder is not writable.
    """
    if not outcomes:
        raise ValueError("there are no outcomes to draw; the run was empty")
    first = draw_outcome(outcomes[0], SIDE)
    size = (first.shape[1], first.shape[0])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), frame_rate(outcomes), size)
    if not writer.isOpened():
        raise OSError(f"cannot write {path}: this OpenCV has no VP8 encoder, or no such folder")
    try:
        for outcome in outcomes:
            writer.write(cv2.cvtColor(draw_outcome(outcome, SIDE), cv2.COLOR_RGB2BGR))
    finally:
        writer.release()


def frame_rate(outcomes: Sequence[Outcome[Any]]) -> float:
    """Frames per second of the run by its median frame time, or 10 where that is unknown."""
    times_ms = [outcome.frame.time_ms for outcome in outcomes]
    known = np.array([time for time in times_ms if time is not None])
    period_ms = float(np.median(np.diff(known))) if len(known) > 1 else 0.0
    return max(SLOWEST_FPS, 1e3 / period_ms) if period_ms > 0 else DEFAULT_FPS
