"""Subjects with their microbleeds: cohorts on disk, and phantoms; read when they are asked for."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.errors import CalibrationError
from sdk.errors import AngioEdgeError
from sdk.volume import Volume
from training.datasets.microbleed_cohort import LESIONS, CohortSubject, read_cohort
from training.phantoms.brain import SPACING_MM, BrainOptions, BrainPhantom
from training.phantoms.head_grid import HeadGrid

PHANTOMS = "phantoms:"
PHANTOM_SEED = 36_000_000
"""Of heads that no training, validation or test has seen."""
PHANTOM_SHAPE = (24, 160, 160)
"""Voxels of the block around a bleed: a whole head takes minutes to compute."""
EXPECTED = (
    "expected folders with subjects.csv (subject, swi, phase) and, where the bleeds are known, "
    f"{LESIONS}, or {PHANTOMS}COUNT"
)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """What is known of one subject.

    Attributes:
        volume: in axial order.
        lesions: (n, 4) slice, row, column of the volume and diameter in mm; None if nobody says.
        uncertain: (n, 4) the same for what is neither to be found nor to be denied.
    """

    volume: Volume
    lesions: Floats | None
    uncertain: Floats


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One subject.

    Attributes:
        name: what to call it in messages and reports.
        known: whether its lesions are known.
        read: reads it anew.
    """

    name: str
    known: bool
    read: Callable[[], Case]


def open_subjects(inputs: Iterable[Path], first_phantom: int = 0) -> list[Subject]:
    """Opens cohort folders and draws phantoms.

    Args:
        inputs: folders with the tables of a cohort, and ``phantoms:COUNT``.
        first_phantom: phantoms begin with this one, so that two sets share none.

    Raises:
        CalibrationError: an input is neither, or holds no subject.
    """
    found: list[Subject] = []
    for given in inputs:
        if str(given).startswith(PHANTOMS):
            phantoms = _phantoms(str(given).removeprefix(PHANTOMS), first_phantom)
            first_phantom += len(phantoms)
            found += phantoms
            continue
        try:
            cohort = read_cohort(given, known=(given / LESIONS).is_file())
        except ValueError as error:
            raise CalibrationError(f"{given}: {error}; {EXPECTED}") from error
        if not cohort:
            raise CalibrationError(f"{given} names no subjects; {EXPECTED}")
        found += [_of_cohort(subject) for subject in cohort]
    return found


def sha256_of_case(case: Case) -> str:
    """Hash of everything that is known of a subject."""
    digest = hashlib.sha256(case.volume.to_patient.tobytes())
    for array in (case.volume.voxels, case.volume.phase, case.lesions, case.uncertain):
        if array is not None:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _of_cohort(subject: CohortSubject) -> Subject:
    def read() -> Case:
        try:
            volume, lesions = subject.read()
        except (AngioEdgeError, ValueError) as error:
            raise CalibrationError(f"{subject.name} cannot be read: {error}") from error
        certain = subject.certain
        return Case(
            volume=volume,
            lesions=lesions[certain] if subject.known else None,
            uncertain=lesions[~certain],
        )

    return Subject(name=subject.name, known=subject.known, read=read)


def _phantoms(count: str, first: int) -> list[Subject]:
    if not count.isdigit() or int(count) < 1:
        raise CalibrationError(f"{PHANTOMS}{count}: {count!r} is no number of phantoms; {EXPECTED}")
    seeds = range(PHANTOM_SEED + first, PHANTOM_SEED + first + int(count))
    return [_phantom(seed) for seed in seeds]


def _phantom(seed: int) -> Subject:
    def read() -> Case:
        head = BrainPhantom.drawn(seed, BrainOptions(microbleeds=(1, 12)))
        grid = HeadGrid.around(head.microbleeds[0].centre_mm, SPACING_MM, PHANTOM_SHAPE)
        image = head.image(grid)
        volume = Volume.of_spacing(image.swi, SPACING_MM, phase=image.phase)
        brain = Volume(
            voxels=image.swi,
            to_patient=volume.to_patient,
            phase=image.phase,
            brain=image.brain.astype(np.uint8),
        )
        return Case(volume=brain, lesions=image.microbleeds, uncertain=np.zeros((0, 4)))

    return Subject(name=f"phantom {seed}", known=True, read=read)


def check_positives(subjects: Sequence[Subject], lesions: int, threshold: float) -> str:
    """What counts as a bleed; a set without any is refused.

    Raises:
        CalibrationError: there is no positive.
    """
    known = all(subject.known for subject in subjects)
    truth = f"the bleeds of {LESIONS}" if known else f"what FP32 finds above {threshold:g}"
    if lesions == 0:
        raise CalibrationError(
            f"there is no bleed in {len(subjects)} subjects ({truth}), and ranges of a detector "
            "that never saw one remove it; give subjects with microbleeds"
        )
    return truth
