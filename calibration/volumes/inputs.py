"""Tiles and patches of subjects on disk, as the networks see them, for as long as calibration runs.

Preparing a volume takes longer than reading its tiles again, and a few volumes do not fit into
memory: inputs are prepared once, and kept in a folder that is removed afterwards.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.agreement import Measured
from calibration.frames import evenly
from calibration.volumes.agreement import LesionAgreement, RegionAgreement, TileAnswer
from sdk.tasks import Task
from sdk.tasks.brain_volume import BrainVolume
from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tasks.tiles import Tile
from sdk.tensors import Tensors
from sdk.volume import Volume


@dataclass(frozen=True, eq=False, kw_only=True)
class Stored:
    """One input of a network.

    Attributes:
        label: what to call it.
        file: its values, as .npy.
        lesions: (n, 4) bleeds whose centre lies in the core of a tile; none for patches.
        tile: its place; None for patches.
        lies: like the brain, without its voxels; None for patches.
    """

    label: str
    file: Path
    lesions: NDArray[np.float64]
    tile: Tile | None = None
    lies: BrainVolume | None = None


class _InputTask:
    """What a `Player` asks of a task, for inputs that are prepared already."""

    def __init__(self, task: MicrobleedDetection, graph: str) -> None:
        self.states: Mapping[str, str] = {}
        self.name = task.name
        self._task, self._graph = task, graph
        self._input = task.networks[graph].inputs[0].name

    def reset(self) -> None:
        """Nothing is remembered."""

    def begins_anew(self, stored: Stored) -> bool:  # noqa: ARG002
        """Every input is on its own."""
        return False

    def preprocess(self, stored: Stored, inputs: Tensors) -> None:
        np.copyto(inputs[self._input], np.load(stored.file))

    def postprocess(self, outputs: Tensors, stored: Stored) -> Any:
        if stored.tile is None or stored.lies is None:
            return self._task.read_patch(outputs)
        candidates = self._task.read_tile(outputs, stored.tile, stored.lies)
        found, _ = self._task.suppress(candidates, stored.lies)
        return TileAnswer(
            found=tuple(found),
            lesions=stored.lesions,
            spacing_mm=stored.lies.volume.spacing_mm,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredInputs:
    """Inputs of one graph in a fixed order; stands where frames do (`frames.Selection`).

    Attributes:
        picks: the inputs.
        graph: ``detector`` or ``regions``.
        detection: the task, at a threshold low enough to look for another.
        deployed: threshold of FP32.
        threshold: of the other graph; None: the best for these inputs.
        sha256: of their values, in order.
        refused: subjects that were set aside.
    """

    picks: tuple[Stored, ...]
    graph: str
    detection: MicrobleedDetection
    deployed: float
    sha256: str
    threshold: float | None = None
    refused: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.picks)

    @property
    def task(self) -> Task[Any]:
        """Reads and prepares nothing, and answers on one input."""
        return _InputTask(self.detection, self.graph)  # type: ignore[return-value]

    def fresh_task(self) -> Task[Any]:
        """The same; nothing is remembered."""
        return self.task

    def at(self, pick: Stored) -> Stored:
        """The input itself."""
        return pick

    def lead(self, index: int) -> tuple[Stored, ...]:
        """Nothing comes before an input."""
        return (self.picks[index],)

    def ends_run(self, index: int) -> bool:
        """Whether it is the last."""
        return index + 1 == len(self)

    def agreement(self) -> Measured:
        """An empty account of how closely two graphs answer these inputs."""
        if self.graph == "detector":
            return LesionAgreement(deployed=self.deployed, threshold=self.threshold)
        return RegionAgreement()

    def fill(self, index: int, inputs: Tensors) -> str:
        """Reads one input and returns what to call it."""
        stored = self.picks[index]
        self.task.preprocess(stored, inputs)  # type: ignore[arg-type]
        return stored.label

    def label(self, pick: Stored) -> str:
        """What to call an input."""
        return pick.label

    def first(self, count: int) -> "StoredInputs":
        """At most `count` of them, spread evenly."""
        return self.only(evenly(len(self), min(count, len(self))))

    def only(self, positions: Iterable[int]) -> "StoredInputs":
        """Those at some positions, in their order."""
        return replace(self, picks=tuple(self.picks[place] for place in sorted(positions)))

    def close(self) -> None:
        """Nothing is open."""


def without_voxels(brain: BrainVolume) -> BrainVolume:
    """Lies where the brain lies, and costs no memory."""
    shape = brain.volume.shape
    volume = Volume(
        voxels=np.broadcast_to(np.float32(0), shape), to_patient=brain.volume.to_patient
    )
    return replace(brain, volume=volume, brain=np.broadcast_to(np.False_, shape))


def hash_of(stored: Sequence[Stored]) -> str:
    """Hash of the values of inputs, in order."""
    digest = hashlib.sha256()
    for item in stored:
        digest.update(np.load(item.file).tobytes())
    return digest.hexdigest()
