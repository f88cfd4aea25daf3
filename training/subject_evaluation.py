"""Scores of the microbleed networks on whole subjects, by the device's own code around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sdk.tasks.microbleed_detection import MicrobleedDetection
from sdk.tasks.microbleeds import Candidates, Microbleed
from training.datasets.subject_pool import subject
from training.detection_evaluation import LOWEST_SCORE, best_threshold
from training.detection_metrics import SubjectFindings, match

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sdk.tasks.brain_volume import BrainVolume
    from training.datasets.subject_pool import Subject
    from training.networks.brain_regions import BrainRegionsNet
    from training.networks.microbleed_detection import MicrobleedNet


@dataclass(frozen=True, kw_only=True)
class Detections:
    """What the detector found in one subject."""

    subject: Subject
    """Where."""
    candidates: list[Microbleed]
    """After suppression, the best first."""

    def findings(self, kept: Sequence[Microbleed] | None = None) -> SubjectFindings:
        """Some of the candidates, all by default, beside the truth."""
        chosen = self.candidates if kept is None else kept
        centres = np.array([entry.centre_mm for entry in chosen], np.float64).reshape(-1, 3)
        return SubjectFindings(
            candidates_mm=centres,
            scores=np.array([entry.score for entry in chosen], np.float64),
            lesions_mm=self.subject.lesions_mm,
            diameters_mm=self.subject.diameters_mm,
        )

    def above(self, threshold: float) -> list[Microbleed]:
        """The candidates with at least this score."""
        return [entry for entry in self.candidates if entry.score >= threshold]


@torch.no_grad()
def detect(network: MicrobleedNet, one: Subject) -> Detections:
    """Every candidate that is not far below any threshold, tile by tile as on the device."""
    network.eval()
    like = next(network.parameters())
    task = MicrobleedDetection(anchors=network.config.anchors, threshold=LOWEST_SCORE)
    brain = task.prepare(one.volume)
    parts, inputs = [], np.zeros((1, 2, *task.tile), np.float32)
    for tile in task.plan(brain)[0]:
        brain.fill_tile(tile.origin, inputs[0])
        logits, offsets = network(torch.from_numpy(inputs).to(like.device))
        outputs = {"logits": logits.cpu().numpy(), "offsets": offsets.cpu().numpy()}
        parts.append(task.read_tile(outputs, tile, brain))
    candidates, _ = task.suppress(Candidates.join(parts), brain)
    return Detections(subject=one, candidates=candidates)


def threshold_on_subjects(network: MicrobleedNet, folder: Path, seeds: range) -> float:
    """The score with the highest F1 on whole subjects, which are kept in a folder."""
    found = [detect(network, subject(folder, seed)) for seed in seeds]
    return best_threshold([one.findings() for one in found])


def localise(
    network: BrainRegionsNet, found: Detections, threshold: float
) -> tuple[list[Microbleed], NDArray[np.bool_]]:
    """Candidates above a threshold that the anatomical filter keeps, and whether it names rightly.

    The right region is that of the true label volume around the same candidate.
    """
    task = MicrobleedDetection()
    brain = task.prepare(found.subject.volume)
    kept, right = [], []
    for candidate in found.above(threshold):
        origin = task.patch_origin(candidate)
        labels = label(network, brain, origin, task.patch)
        placed = task.localise(candidate, labels, origin, brain.volume)
        if not isinstance(placed, Microbleed):
            continue
        true = task.localise(candidate, found.subject.regions, (0, 0, 0), brain.volume)
        kept.append(placed)
        right.append(isinstance(true, Microbleed) and true.region == placed.region)
    return kept, np.array(right, np.bool_)


@torch.no_grad()
def label(
    network: BrainRegionsNet,
    brain: BrainVolume,
    origin: tuple[int, int, int],
    size: tuple[int, int, int],
) -> NDArray[np.uint8]:
    """(D, H, W) regions of a patch."""
    network.eval()
    patch = np.empty((1, 5, *size), np.float32)
    brain.fill_patch(origin, patch[0])
    logits = network(torch.from_numpy(patch).to(next(network.parameters()).device))
    return np.asarray(logits[0].argmax(0).cpu().numpy(), np.uint8)


def counts(findings: SubjectFindings, tolerance_mm: float) -> tuple[int, int]:
    """True and false positives of one subject."""
    hits = match(findings, tolerance_mm)
    return int(hits.sum()), int((~hits).sum())
