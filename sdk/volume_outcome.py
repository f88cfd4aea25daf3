"""How a volume is answered, and what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sdk.errors import VolumeError
from sdk.outcome import Status
from sdk.tasks.brain_guide import BrainGuide
from sdk.tasks.microbleeds import MicrobleedAnswer
from sdk.volume import Volume

VOLUME_STAGES = ("prepare", "detect", "localise")
"""What is timed of every volume."""

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, the steps done and all its steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeOptions:
    """How one volume is answered.

    Attributes:
        progress: called before every tile and patch, and after the last.
        cancelled: asked before every tile and patch; once it says true, there is no answer.
        whole_regions: label the whole brain instead of a patch around every candidate.
        guide: brain and window that are known beforehand; they count instead of those that the
            volume has or shows.
    """

    progress: Progress | None = None
    cancelled: Callable[[], bool] | None = None
    whole_regions: bool = False
    guide: BrainGuide | None = None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class VolumeOutcome:
    """The answer on one volume, or the reason why there is none.

    Attributes:
        volume: the volume itself, as it was given.
        status: what became of it.
        answer: None unless delivered.
        reason: why there is no answer, in one sentence; empty if delivered.
        notes: what a reader did to the volume, how the session runs, how far a guide was off.
        stages_ms: milliseconds spent in prepare, detect and localise.
        backend: what really ran.
    """

    volume: Volume
    status: Status
    answer: MicrobleedAnswer | None
    reason: str = ""
    notes: tuple[str, ...] = ()
    stages_ms: Mapping[str, float]
    backend: str

    @property
    def latency_ms(self) -> float:
        """Milliseconds of all stages."""
        return sum(self.stages_ms.values())

    def require(self) -> MicrobleedAnswer:
        """The answer.

        Raises:
            VolumeError: there is none; the message is the reason.
        """
        if self.answer is None:
            raise VolumeError(self.reason)
        return self.answer
