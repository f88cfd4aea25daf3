"""What sessions find in subjects, scored against their bleeds, and the threshold for it."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.errors import CalibrationError
from calibration.progress import Track
from calibration.volumes.subjects import Case, Subject, sha256_of_case
from sdk.model_folder import ModelFolder, write_folder
from sdk.tasks.microbleeds import Microbleed
from sdk.volume_session import VolumeSession
from training.detection_metrics import (
    DetectionScore,
    SubjectFindings,
    froc,
    score,
    without_doubtful,
)

TOLERANCE_MM = 3.0
"""A find that is nearer to a bleed has found it."""
LOWER = 0.5
"""Finds are kept down to this part of the threshold, so that another one can be looked for."""
TINY = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True)
class Finding:
    """What one graph of each kind found in a subject, and what is true.

    Attributes:
        found: every delivered candidate above the lowered threshold, best first.
        lesions: (n, 4) voxels and diameter in mm; without a table, what FP32 finds.
        uncertain: (n, 4) the same.
        spacing_mm: of the volume.
        sha256: of the subject.
    """

    found: tuple[Microbleed, ...]
    lesions: NDArray[np.float64]
    uncertain: NDArray[np.float64]
    spacing_mm: tuple[float, float, float]
    sha256: str = ""

    def above(self, threshold: float) -> tuple[Microbleed, ...]:
        """What is found above a threshold."""
        return tuple(bleed for bleed in self.found if bleed.score > threshold)

    def scored(self) -> SubjectFindings:
        """For the metrics: uncertain bleeds take what hits them out of the account."""
        certain = _findings(self.found, self.lesions, self.spacing_mm)
        places = self.uncertain[:, :3] * np.array(self.spacing_mm)
        return without_doubtful(certain, places, self.uncertain[:, 3], TOLERANCE_MM)


def rows_of(bleeds: Iterable[Microbleed]) -> NDArray[np.float64]:
    """(n, 4) voxels and diameter in mm, as a table of bleeds has them."""
    rows = [(*bleed.voxel, bleed.diameter_mm) for bleed in bleeds]
    return np.array(rows, np.float64).reshape(-1, 4)


def counted(findings: Sequence[Finding], threshold: float) -> DetectionScore:
    """Counts at a threshold, over all subjects."""
    above = float(np.nextafter(threshold, np.inf))
    subjects = [finding.scored() for finding in findings]
    return score(subjects, tolerance_mm=TOLERANCE_MM, threshold=above)


def tuned_threshold(
    reference: Sequence[Finding], findings: Sequence[Finding], deployed: float
) -> float:
    """The threshold of a quantised detector: FP32's sensitivity with the fewest false positives.

    Where no threshold reaches that sensitivity, the one of the highest F1. Of equally good ones,
    that in the middle of the gap between two scores which is nearest to the deployed one, or the
    deployed one itself.
    """
    wanted = counted(reference, deployed).true_positives
    curve = froc([finding.scored() for finding in findings], tolerance_mm=TOLERANCE_MM)
    if not len(curve.thresholds):
        return deployed
    lows = [*curve.thresholds[1:].tolist(), deployed * LOWER]
    levels = [
        deployed if low <= deployed < high else (low + high) / 2
        for high, low in zip(curve.thresholds.tolist(), lows, strict=True)
    ]
    f1 = 2 * curve.precision * curve.sensitivity
    f1 /= np.maximum(curve.precision + curve.sensitivity, TINY)
    lesions = max(1, sum(len(finding.lesions) for finding in findings))
    enough = np.flatnonzero(np.rint(curve.sensitivity * lesions) >= wanted)
    costs = curve.false_positives_per_subject if len(enough) else -f1
    places = enough.tolist() or range(len(levels))
    best = min(places, key=lambda place: (costs[place], abs(levels[place] - deployed)))
    return round(levels[best], 6)


def lowered(folder: ModelFolder, place: Path) -> ModelFolder:
    """A copy of a folder that answers down to a part of its threshold, with every precision."""
    manifest = folder.manifest
    lower = float(manifest.options["threshold"]) * LOWER
    changed = replace(
        manifest, options={**manifest.options, "threshold": lower}, precision_options={}
    )
    files = {name: (folder.path / name).read_bytes() for name in manifest.files}
    return write_folder(place, changed, files)


@dataclass(frozen=True, kw_only=True)
class Study:
    """Subjects, and how they are answered.

    Attributes:
        subjects: in a fixed order.
        threads: inside one operator; None: every core.
        track: shows how far it is.
    """

    subjects: Sequence[Subject]
    threads: int | None
    track: Track

    def find(
        self,
        folder: ModelFolder,
        precisions: Sequence[str],
        reference: Sequence[Finding] | None = None,
    ) -> dict[str, list[Finding]]:
        """Precision -> findings in every subject, by the device's own session.

        Without a table, the bleeds of a subject are those of the reference; and without one, what
        the first precision finds above the threshold that the folder was lowered from.

        Raises:
            CalibrationError: a subject cannot be answered.
        """
        deployed = float(folder.manifest.options["threshold"]) / LOWER
        found: dict[str, list[Finding]] = {precision: [] for precision in precisions}
        with ExitStack() as stack:
            sessions = {
                precision: stack.enter_context(
                    VolumeSession(folder.path, precision=precision, threads=self.threads)
                )
                for precision in precisions
            }
            title = f"finding with {', '.join(precisions)}"
            for index, subject in enumerate(self.track(self.subjects, title)):
                case = subject.read()
                answers = {name: _answer(it, case, subject) for name, it in sessions.items()}
                sha256 = sha256_of_case(case)
                lesions = reference[index].lesions if reference else case.lesions
                if lesions is None:
                    first = answers[precisions[0]]
                    lesions = rows_of(bleed for bleed in first if bleed.score > deployed)
                for precision, answer in answers.items():
                    found[precision].append(_finding(answer, case, lesions, sha256))
        return found


def _answer(session: VolumeSession, case: Case, subject: Subject) -> tuple[Microbleed, ...]:
    outcome = session(case.volume)
    if outcome.answer is None:
        raise CalibrationError(f"{subject.name} does not fit the task: {outcome.reason}")
    return outcome.answer.microbleeds


def _finding(
    answer: tuple[Microbleed, ...], case: Case, lesions: NDArray[np.float64], sha256: str
) -> Finding:
    return Finding(
        found=answer,
        lesions=lesions,
        uncertain=case.uncertain,
        spacing_mm=case.volume.spacing_mm,
        sha256=sha256,
    )


def _findings(
    found: Sequence[Microbleed], lesions: NDArray[np.float64], spacing_mm: tuple[float, ...]
) -> SubjectFindings:
    spacing = np.array(spacing_mm)
    return SubjectFindings(
        candidates_mm=np.array([bleed.voxel for bleed in found]).reshape(-1, 3) * spacing,
        scores=np.array([bleed.score for bleed in found], np.float64),
        lesions_mm=lesions[:, :3] * spacing,
        diameters_mm=lesions[:, 3],
    )


def same_region(
    reference: Sequence[Finding], findings: Sequence[Finding], thresholds: Mapping[str, float]
) -> float:
    """Share of the bleeds that both find which both place in one region; 1 if there is none.

    Args:
        reference: of FP32.
        findings: of the quantised graphs.
        thresholds: of ``reference`` and ``findings``.
    """
    same = []
    for one, other in zip(reference, findings, strict=True):
        spacing = np.array(one.spacing_mm)
        theirs = other.above(thresholds["findings"])
        for bleed in one.above(thresholds["reference"]):
            apart = [
                float(np.linalg.norm(np.subtract(bleed.voxel, its.voxel) * spacing))
                for its in theirs
            ]
            if apart and min(apart) <= TOLERANCE_MM:
                same.append(theirs[int(np.argmin(apart))].region == bleed.region)
    return float(np.mean(same)) if same else 1.0
