"""From one prepared volume to its answer: tiles in any order, then candidates and regions."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sdk.backends import Backend
from sdk.tasks.brain_volume import BrainVolume
from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tasks.microbleeds import Candidates, DroppedCandidate, Microbleed, MicrobleedAnswer
from sdk.tasks.tiles import Corner
from sdk.volume_outcome import VolumeOptions


class CancelledError(Exception):
    """The caller wants no answer any more."""


class VolumeWork:
    """What is done on one volume.

    The answer does not depend on the order in which tiles were detected.

    Attributes:
        brain: the volume as the networks see it.
        tiles: those to detect, each once.
    """

    def __init__(
        self,
        task: MicrobleedDetection,
        graphs: Mapping[str, Backend],
        brain: BrainVolume,
        options: VolumeOptions,
    ) -> None:
        """Plans the tiles of a prepared volume for the task's two graphs."""
        self._task = task
        self._graphs = graphs
        self._options = options
        self._networks = task.networks
        self._found: dict[int, Candidates] = {}
        self.brain = brain
        self.tiles, self._skipped = task.plan(brain)

    def slices_of(self, index: int) -> tuple[int, int]:
        """First and last slice of the axial volume that a tile is made of."""
        return self.brain.slices_of(self.tiles[index].origin[0], self._task.tile[0])

    def detect(self, index: int) -> None:
        """Finds the candidates of one tile; reads no voxel outside it.

        Raises:
            CancelledError: the caller wants no answer.
            BackendError: the detector failed.
        """
        self._step("detect", len(self._found), len(self.tiles))
        tile, detector = self.tiles[index], self._graphs["detector"]
        with detector.errors():
            self._task.fill_tile(tile, self.brain, detector.inputs)
            detector.run()
            detector.check_outputs(self._networks["detector"].outputs)
            self._found[index] = self._task.read_tile(detector.outputs, tile, self.brain)

    def suppress(self) -> tuple[list[Microbleed], list[DroppedCandidate]]:
        """What remains of all candidates, best first, and what does not."""
        self._step("detect", len(self._found), len(self.tiles))
        in_order = (self._found[index] for index in range(len(self.tiles)))
        return self._task.suppress(Candidates.join(in_order), self.brain)

    def localise(
        self, found: list[Microbleed], dropped: list[DroppedCandidate]
    ) -> MicrobleedAnswer:
        """Names the region of what remains, and drops what lies in none.

        Raises:
            CancelledError: the caller wants no answer.
            BackendError: the regions network failed.
        """
        regions = self._whole_regions() if self._options.whole_regions else None
        kept: list[Microbleed] = []
        for done, candidate in enumerate(found):
            labels, origin = regions, (0, 0, 0)
            if labels is None:
                self._step("localise", done, len(found))
                origin = self._task.patch_origin(candidate)
                labels = self._label(origin)
            judged = self._task.localise(candidate, labels, origin, self.brain.volume)
            if isinstance(judged, Microbleed):
                kept.append(judged)
            else:
                dropped.append(judged)
        if regions is None:
            self._step("localise", len(found), len(found))
        return MicrobleedAnswer(
            volume=self.brain.volume,
            window=self.brain.window,
            brain_box=self.brain.box,
            microbleeds=tuple(kept),
            dropped=tuple(dropped),
            tiles=len(self.tiles),
            tiles_skipped=self._skipped,
            regions=regions,
        )

    def _whole_regions(self) -> NDArray[np.uint8]:
        regions = np.zeros(self.brain.volume.shape, np.uint8)
        origins, size = self._task.patch_grid(self.brain), self._task.patch
        for done, origin in enumerate(origins):
            self._step("localise", done, len(origins))
            view = regions[tuple(slice(a, a + n) for a, n in zip(origin, size, strict=True))]
            view[...] = self._label(origin)[tuple(map(slice, view.shape))]
        self._step("localise", len(origins), len(origins))
        return regions

    def _label(self, origin: Corner) -> NDArray[np.uint8]:
        graph = self._graphs["regions"]
        with graph.errors():
            self._task.fill_patch(origin, self.brain, graph.inputs)
            graph.run()
            graph.check_outputs(self._networks["regions"].outputs)
            return self._task.read_patch(graph.outputs)

    def _step(self, stage: str, done: int, steps: int) -> None:
        options = self._options
        if options.cancelled is not None and options.cancelled():
            raise CancelledError
        if options.progress is not None:
            options.progress(stage, done, steps)
