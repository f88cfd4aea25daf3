"""Answers frames as a session on the device does: a run from its beginning, states carried."""

from typing import Any

from calibration.frames import Pick, Selection
from sdk.backends import Backend
from sdk.tensors import Tensors


class Player:
    """One graph and the frames of a selection, in any order.

    Where the task has states, the frames of the run before the one that is asked for are played
    first, unless they just were: in the order of the runs nothing is played twice.
    """

    def __init__(self, backend: Backend, frames: Selection) -> None:
        """Takes a backend that carries nothing yet, and frames for it.

        Raises:
            ModelFolderError: the graph has no such states.
        """
        self._task = frames.fresh_task()
        self._backend, self._frames = backend, frames
        self._played: Pick | None = None
        backend.carry(self._task.states)

    def outputs(self, index: int) -> Tensors:
        """What the graph gives on a frame; the next call overwrites it."""
        self._play(index, read=False)
        return self._backend.outputs

    def answer(self, index: int) -> Any:
        """What the task answers on a frame."""
        return self._play(index, read=True)

    def _play(self, index: int, *, read: bool) -> Any:
        lead, answer = self._frames.lead(index), None
        before = lead[:-1]
        if self._played in before:
            lead = lead[before.index(self._played) + 1 :]
        else:
            self._begin_run()
        for pick in lead:
            frame = self._frames.at(pick)
            if self._task.begins_anew(frame):
                self._begin_run()
            self._task.preprocess(frame, self._backend.inputs)
            self._backend.run()
            if read:
                answer = self._task.postprocess(self._backend.outputs, frame)
        self._played = lead[-1]
        return answer

    def _begin_run(self) -> None:
        self._backend.begin_run()
        self._task.reset()
