"""Which tiles and patches give the ranges: at least half of the tiles hold a bleed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.frames import evenly
from calibration.progress import Track
from calibration.volumes.findings import LOWER, Finding
from calibration.volumes.inputs import Stored, StoredInputs, hash_of, without_voxels
from calibration.volumes.subjects import Subject
from sdk.tasks.brain_volume import BrainVolume
from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tasks.microbleeds import Microbleed
from sdk.tasks.tiles import Corner, Tile
from sdk.tensors import allocate
from training.detection_metrics import match


@dataclass(frozen=True, eq=False, kw_only=True)
class _Place:
    """A tile of a subject, and what is in it."""

    subject: int
    tile: Tile
    lesions: NDArray[np.float64]
    mimic: float  # highest score of a candidate that is no bleed


@dataclass(frozen=True, eq=False, kw_only=True)
class Larder:
    """Where inputs of subjects are kept, and for which task.

    Attributes:
        folder: an empty folder.
        task: as the model folder deploys it in FP32.
        subjects: in a fixed order.
        findings: of FP32 in them.
        track: shows how far it is.
    """

    folder: Path
    task: MicrobleedDetection
    subjects: Sequence[Subject]
    findings: Sequence[Finding]
    track: Track

    def stock(self, count: int) -> dict[str, StoredInputs]:
        """At most `count` tiles and as many patches, by graph."""
        places, origins = [], []
        for index, subject in enumerate(self.track(self.subjects, "looking for tiles")):
            brain = self.task.prepare(subject.read().volume)
            places += self._places(index, brain)
            origins += [(index, origin) for origin in self._origins(index)]
        tiles = chosen_tiles(places, count)
        patches = [origins[place] for place in evenly(len(origins), min(count, len(origins)))]
        stored: dict[str, list[Stored]] = {"detector": [], "regions": []}
        for index, subject in enumerate(self.track(self.subjects, "keeping tiles")):
            own_tiles = [place for place in tiles if place.subject == index]
            own_patches = [origin for number, origin in patches if number == index]
            if own_tiles or own_patches:
                brain = self.task.prepare(subject.read().volume)
                stored["detector"] += [self._keep_tile(place, brain) for place in own_tiles]
                stored["regions"] += [
                    self._keep_patch(subject.name, origin, brain) for origin in own_patches
                ]
        return {graph: self._inputs(graph, items) for graph, items in stored.items()}

    def _inputs(self, graph: str, items: list[Stored]) -> StoredInputs:
        return StoredInputs(
            picks=tuple(items),
            graph=graph,
            detection=replace(self.task, threshold=self.task.threshold * LOWER),
            deployed=self.task.threshold,
            sha256=hash_of(items),
        )

    def _places(self, subject: int, brain: BrainVolume) -> list[_Place]:
        finding = self.findings[subject]
        fine = finding.lesions[:, :3] / np.array([brain.slice_ratio or 1.0, 1.0, 1.0])
        scored = finding.scored()
        wrong = ~match(scored, 3.0)
        centres = scored.candidates_mm[wrong] / np.array(finding.spacing_mm)
        mimics = centres / np.array([brain.slice_ratio or 1.0, 1.0, 1.0])
        tiles, _ = self.task.plan(brain)
        return [
            _Place(
                subject=subject,
                tile=tile,
                lesions=finding.lesions[tile.owns(fine)],
                mimic=float(scored.scores[wrong][tile.owns(mimics)].max(initial=0.0)),
            )
            for tile in tiles
        ]

    def _origins(self, subject: int) -> list[Corner]:
        """Patches around the bleeds and around what is found: the device looks at no others."""
        finding = self.findings[subject]
        voxels = [tuple(row) for row in finding.lesions[:, :3].tolist()]
        voxels += [bleed.voxel for bleed in finding.found]
        return list(dict.fromkeys(self.task.patch_origin(_at(voxel)) for voxel in voxels))

    def _keep_tile(self, place: _Place, brain: BrainVolume) -> Stored:
        (spec,) = self.task.networks["detector"].inputs
        tensor = allocate([spec])[spec.name]
        brain.fill_tile(place.tile.origin, tensor[0])
        name = self.subjects[place.subject].name
        return Stored(
            label=f"{name}, tile {place.tile.origin}",
            file=self._write(tensor),
            lesions=place.lesions,
            tile=place.tile,
            lies=without_voxels(brain),
        )

    def _keep_patch(self, name: str, origin: Corner, brain: BrainVolume) -> Stored:
        (spec,) = self.task.networks["regions"].inputs
        tensor = allocate([spec])[spec.name]
        brain.fill_patch(origin, tensor[0])
        none = np.zeros((0, 4))
        return Stored(label=f"{name}, patch {origin}", file=self._write(tensor), lesions=none)

    def _write(self, tensor: NDArray[np.float32]) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{len(list(self.folder.iterdir()))}.npy"
        np.save(file, tensor)
        return file


def chosen_tiles(places: Sequence[_Place], count: int) -> list[_Place]:
    """At most `count` tiles, in their order: half with bleeds, or more, then rich in mimics.

    Ranges of tiles without bleeds remove the detector: where few tiles have one, few are taken.
    """
    with_bleeds = [place for place in range(len(places)) if len(places[place].lesions)]
    others = [place for place in range(len(places)) if not len(places[place].lesions)]
    room = max(count - len(others), -(-count // 2))
    chosen = [with_bleeds[i] for i in evenly(len(with_bleeds), min(room, len(with_bleeds)))]
    left = min(len(chosen), count - len(chosen), len(others))
    mimics = sorted((p for p in others if places[p].mimic > 0), key=lambda p: -places[p].mimic)
    plain = [place for place in others if places[place].mimic == 0]
    chosen += mimics[:left]
    more = left - min(left, len(mimics))
    chosen += [plain[i] for i in evenly(len(plain), more)]
    return [places[place] for place in sorted(chosen)]


def _at(voxel: tuple[float, ...]) -> Microbleed:
    z, y, x = voxel
    none = (0.0, 0.0, 0.0)
    return Microbleed(voxel=(z, y, x), centre_mm=none, patient_mm=none, diameter_mm=0.0, score=0.0)
