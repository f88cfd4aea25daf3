"""Networks without training, in the sizes of the recipes, and the head that they are run on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from export.microbleed_folder import load_detector, load_regions
from export.volumetric import export
from sdk.cli.volume_profile import made_up_head
from sdk.model_folder import Manifest, write_folder
from sdk.tasks.microbleed_detection import MicrobleedDetection
from training.networks.brain_regions import HALF_WIDTH, BrainRegionsConfig, BrainRegionsNet
from training.networks.microbleed_detection import THIN, MicrobleedConfig, MicrobleedNet
from training.recipes.checkpoint import save_weights

if TYPE_CHECKING:
    from pathlib import Path

    from sdk.tasks.tiles import Corner
    from sdk.volume import Volume

CANDIDATES_PER_TILE = 8
"""So many anchors of a tile are above the threshold, as untrained weights know no bleeds."""
THRESHOLD = 0.4
BALL = (21, 160, 160)
"""Voxel in the middle of a tile's core."""
NO_BACKGROUND = 100.0
"""Taken from the logit of the background: no candidate is dropped for its place."""
DETECTOR, REGIONS, MODEL = "detector.safetensors", "regions.safetensors", "model"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is measured.

    Attributes:
        shape: (slices, rows, columns) of the volume.
        slices: after interpolation.
        tile: side of the detector's tiles.
        halo: voxels around a tile's core.
        patch: (slices, rows, columns) of the regions network.
        brain_mm: radius of a ball around `BALL` that is the brain instead of a whole one.
        detector: shape of the detector.
        regions: shape of the regions network.
    """

    shape: Corner = (72, 512, 448)
    slices: int = 224
    tile: int = 128
    halo: int = 16
    patch: Corner = (16, 64, 64)
    brain_mm: float | None = None
    detector: MicrobleedConfig = THIN
    regions: BrainRegionsConfig = HALF_WIDTH

    def head(self) -> Volume:
        """A made-up head with its brain mask."""
        head = made_up_head(self.shape)
        if self.brain_mm is None:
            return head
        grid = np.ogrid[tuple(slice(extent) for extent in self.shape)]
        apart = [
            ((axis - at) * mm) ** 2
            for axis, at, mm in zip(grid, BALL, head.spacing_mm, strict=True)
        ]
        return replace(head, brain=sum(apart) < self.brain_mm**2)

    @property
    def task(self) -> MicrobleedDetection:
        """The task with these sizes."""
        return MicrobleedDetection(
            tile=(self.tile,) * 3,
            halo=self.halo,
            slices=self.slices,
            patch=self.patch,
            anchors=self.detector.anchors,
            threshold=THRESHOLD,
        )


SMALL = Case(
    shape=(24, 80, 72),
    slices=48,
    tile=32,
    halo=8,
    patch=(4, 16, 16),
    detector=MicrobleedConfig(widths=(8,) * 5, fused=16, anchors=(8.0,)),
    regions=BrainRegionsConfig(widths=(4, 4, 4, 4)),
)
ONE_TILE = Case(
    shape=(16, 32, 32),
    slices=32,
    tile=32,
    halo=8,
    patch=(4, 16, 16),
    detector=SMALL.detector,
    regions=SMALL.regions,
)
"""Nothing overlaps: every way must find the same."""
FEW_TILES = Case(brain_mm=10.5)
"""The whole volume, of which one tile holds brain: memory does not depend on how many there are."""
CASES = {"full": Case(), "few-tiles": FEW_TILES, "small": SMALL, "one-tile": ONE_TILE}


def make(case: Case, place: Path) -> None:
    """Writes the weights of both networks, and the model folder that is exported from them.

    Raises:
        ValueError: a graph does not compute what its network computes.
    """
    torch.manual_seed(0)
    detector = MicrobleedNet(case.detector)
    torch.nn.init.normal_(detector.classify.weight)  # a new one says the same everywhere
    _spread_scores(detector.eval(), case)
    regions = BrainRegionsNet(case.regions)
    if regions.classify.bias is not None:
        regions.classify.bias.data[0] -= NO_BACKGROUND
    save_weights(place / DETECTOR, detector, {"recipe": {"network": asdict(case.detector)}})
    save_weights(place / REGIONS, regions, {"recipe": {"network": asdict(case.regions)}})
    networks = {"detector": detector, "regions": regions.eval()}
    files, graphs = {}, {}
    for name, contract in case.task.networks.items():
        path = place / f"{name}.fp32.onnx"
        inputs = {spec.name: torch.rand(spec.shape) for spec in contract.inputs}
        export(networks[name], path, inputs, [spec.name for spec in contract.outputs])
        files[path.name] = path.read_bytes()
        graphs[f"{name}.fp32"] = path.name
        path.unlink()
    names = ("tile", "halo", "slices", "patch", "anchors", "threshold")
    options = {name: getattr(case.task, name) for name in names}
    write_folder(
        place / MODEL, Manifest(task=case.task.name, options=options, graphs=graphs), files
    )


def load(place: Path) -> tuple[MicrobleedNet, BrainRegionsNet]:
    """The networks that `make` wrote."""
    return load_detector(place / DETECTOR)[0], load_regions(place / REGIONS)[0]


@torch.no_grad()
def _spread_scores(detector: MicrobleedNet, case: Case) -> None:
    """Moves the bias so that few anchors of a tile are candidates."""
    head = case.head()
    brain = case.task.prepare(head)
    middle = [max(0, (extent - case.tile) // 2) for extent in brain.fine_shape]
    tile = np.empty((1, 2, *(case.tile,) * 3), np.float32)
    brain.fill_tile((middle[0], middle[1], middle[2]), tile[0])
    logits = detector(torch.from_numpy(tile))[0].numpy().ravel()
    wanted = np.log(THRESHOLD / (1 - THRESHOLD))
    found = np.sort(logits)[-CANDIDATES_PER_TILE - 1 : -CANDIDATES_PER_TILE + 1].mean()
    if detector.classify.bias is not None:
        detector.classify.bias += float(wanted - found)
