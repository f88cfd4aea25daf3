"""Frames of a run come in its order, each of them once."""

from sdk.frame import Frame


class RunOrder:
    """Knows the last frame of a run, and whether another can come after it.

    Frames have their place by index, or, where none of the run is numbered, by time. Numbered ones
    may share a time, which can be rounded.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The next frame is the first of a run."""
        self._index = -1
        self._time_ms: float | None = None

    def add(self, frame: Frame) -> None:
        """Notes the next frame of the run."""
        self._index = frame.index
        if frame.time_ms is not None:
            self._time_ms = frame.time_ms

    def starts_over(self, frame: Frame) -> bool:
        """Whether a frame says that it is the first of a run while a numbered one is followed."""
        return frame.index == 0 < self._index

    def objection(self, frame: Frame) -> str:
        """Why a frame is not the next of the run, in one sentence; empty: it is."""
        numbered = frame.index > 0 or self._index > 0
        if numbered and frame.index <= self._index:
            return _refusal(frame, f"frame {self._index}")
        if self._time_ms is None or frame.time_ms is None:
            return ""
        late = frame.time_ms - self._time_ms
        if late < 0 or (late == 0 and not numbered):
            return _refusal(frame, f"a frame of {self._time_ms:g} ms")
        return ""


def _refusal(frame: Frame, before: str) -> str:
    time = "" if frame.time_ms is None else f" of {frame.time_ms:g} ms"
    return (
        f"frame {frame.index}{time} came after {before}: the frames of a run must come in order, "
        "each once; reset the session before another run"
    )
