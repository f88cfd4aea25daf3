"""Answers with tensors recorded beforehand, to test an application without a network."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle

from sdk.backends.base import Backend
from sdk.tensors import Tensors, TensorSpec, allocate, specs_of


class ReplayBackend(Backend):
    """Gives the recorded outputs one after the other, over and over, whatever the inputs."""

    def __init__(self, inputs: Iterable[TensorSpec], recorded: Sequence[Tensors]) -> None:
        """Takes the inputs a task fills and at least one set of outputs by name."""
        if not recorded:
            raise ValueError("recorded must hold at least one set of outputs, got none")
        self.name = "replay"
        self.inputs = allocate(inputs)
        self.outputs = allocate(specs_of(recorded[0]))
        self._recorded = cycle(recorded)

    def run(self) -> None:
        for name, tensor in next(self._recorded).items():
            self.outputs[name][...] = tensor

    def carry(self, states: Mapping[str, str]) -> None:
        """Nothing to keep: the recordings hold what a state led to."""

    def close(self) -> None:
        """Nothing to release."""
