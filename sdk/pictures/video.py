"""The run as a video with outlined vessels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sdk.outcome import Outcome
from sdk.pictures.overlay import CAPTION_HEIGHT, draw_outcome

SIDE = 640
SLOWEST_FPS = 4.0
DEFAULT_FPS = 10.0


class Video:
    """A WebM (VP8) that takes one outcome after the other."""

    def __init__(self, path: Path, fps: float) -> None:
        """Opens the file; it plays at least 4 frames per second.

        Raises:
            OSError: this build of OpenCV cannot write such a video, or the folder is not writable.
        """
        size = (SIDE, SIDE + CAPTION_HEIGHT)
        codec = cv2.VideoWriter.fourcc(*"VP80")
        self._writer = cv2.VideoWriter(str(path), codec, max(SLOWEST_FPS, fps), size)
        if not self._writer.isOpened():
            raise OSError(f"cannot write {path}: this OpenCV has no VP8 encoder, or no such folder")

    def add(self, outcome: Outcome[Any]) -> None:
        """Draws the next frame."""
        self._writer.write(cv2.cvtColor(draw_outcome(outcome, SIDE), cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        """Completes the file."""
        self._writer.release()


def write_video(outcomes: Sequence[Outcome[Any]], path: Path) -> None:
    """Writes a WebM (VP8) at the run's own rate, at least 4 frames per second.

    Raises:
        OSError: this build of OpenCV cannot write such a video, or the folder is not writable.
    """
    if not outcomes:
        raise ValueError("there are no outcomes to draw; the run was empty")
    video = Video(path, frame_rate(outcomes))
    try:
        for outcome in outcomes:
            video.add(outcome)
    finally:
        video.close()


def frame_rate(outcomes: Sequence[Outcome[Any]]) -> float:
    """Frames per second of the run by its median frame time, or 10 where that is unknown."""
    times_ms = [outcome.frame.time_ms for outcome in outcomes]
    known = np.array([time for time in times_ms if time is not None])
    period_ms = float(np.median(np.diff(known))) if len(known) > 1 else 0.0
    return max(SLOWEST_FPS, 1e3 / period_ms) if period_ms > 0 else DEFAULT_FPS
