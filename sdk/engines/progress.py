"""How far a build is, in TensorRT's own phases where it reports them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sdk.engines.library import Module, Monitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One phase of a build; phases lie within each other.

    Attributes:
        phase: its name.
        done: steps that are over.
        steps: all of them; 0 where nobody knows.
        finished: whether the phase is over.
    """

    phase: str
    done: int = 0
    steps: int = 0
    finished: bool = False


Watch: TypeAlias = Callable[[Progress], None]


def unwatched(progress: Progress) -> None:
    """Shows nothing."""


def make_monitor(trt: Module, watch: Watch) -> Monitor:
    """A progress monitor of TensorRT; the build is given up when nobody listens any more."""
    steps: dict[str, int] = {}

    class Phases(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            del parent_phase
            steps[phase_name] = num_steps
            _tell(watch, Progress(phase=phase_name, steps=num_steps))

        def step_complete(self, phase_name: str, step: int) -> bool:
            total = steps.get(phase_name, 0)
            return _tell(watch, Progress(phase=phase_name, done=step + 1, steps=total))

        def phase_finish(self, phase_name: str) -> None:
            total = steps.pop(phase_name, 0)
            _tell(watch, Progress(phase=phase_name, done=total, steps=total, finished=True))

    return Phases()


def _tell(watch: Watch, progress: Progress) -> bool:
    """An exception must not travel through TensorRT, which calls this."""
    try:
        watch(progress)
    except OSError:
        return False
    return True
