"""How a volume is answered, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass

from sdk.errors import VolumeError
from sdk.outcome import ERRORS, Account
from sdk.tasks.brain_guide import BrainGuide
from sdk.tasks.microbleeds import MicrobleedAnswer
from sdk.volume import Volume

VOLUME_STAGES = ("prepare", "detect", "localise")
"""What is timed of every volume."""

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, the steps done, and how many there are."""


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
class VolumeOutcome(Account[MicrobleedAnswer]):
    """The account of one volume; its stages are prepare, detect and localise.

    Among its notes are what a reader did to the volume, and how far a guide was off.

    Attributes:
        volume: the volume itself, as it was given; the rest as in `Account`.
    """

    volume: Volume

    def require(self) -> MicrobleedAnswer:
        """The answer; where there is none, an error whose message is the reason.

        Raises:
            VolumeError: the volume was rejected.
            BackendError: a backend failed on it.
            SessionError: it was cancelled.
        """
        if self.answer is None:
            raise ERRORS.get(self.status, VolumeError)(self.reason)
        return self.answer
