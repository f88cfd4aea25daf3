"""How well lesions are found: sensitivity, false positives per subject, precision, F1, FROC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.metrics import Estimate, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SubjectFindings:
    """What was found in one subject, and what is true."""

    candidates_mm: Floats
    """(n, 3) centres of what was found."""
    scores: Floats
    """(n,) the higher the surer."""
    lesions_mm: Floats
    """(m, 3) true centres."""
    diameters_mm: Floats
    """(m,) true diameters."""


@dataclass(frozen=True, kw_only=True)
class DetectionScore:
    """Counts over subjects, and what follows from them."""

    true_positives: int
    """Lesions that were found."""
    false_positives: int
    """Candidates that are no lesion, second finds of one lesion included."""
    false_negatives: int
    """Lesions that were missed."""
    subjects: int
    """Subjects that were looked at."""

    @property
    def sensitivity(self) -> float:
        """Part of all lesions that was found; NaN without lesions."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def false_positives_per_subject(self) -> float:
        """FPavg."""
        return self.false_positives / self.subjects

    @property
    def precision(self) -> float:
        """Part of the candidates that are lesions; NaN without candidates."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and sensitivity; NaN without lesions and candidates."""
        missed = self.false_positives + self.false_negatives
        return _ratio(2 * self.true_positives, 2 * self.true_positives + missed)

    def sensitivity_interval(self) -> Estimate:
        """Sensitivity with its 95 % interval over lesions."""
        return wilson_interval(self.true_positives, self.true_positives + self.false_negatives)


@dataclass(frozen=True, kw_only=True)
class Froc:
    """Free-response curve: one point per threshold, from strict to lenient."""

    thresholds: Floats
    """(k,) candidates with at least this score count."""
    sensitivity: Floats
    """(k,)."""
    false_positives_per_subject: Floats
    """(k,)."""
    precision: Floats
    """(k,)."""

    def sensitivity_at(self, false_positives_per_subject: float) -> float:
        """The best sensitivity with at most so many false positives; 0 where none is reached."""
        reached = self.false_positives_per_subject <= false_positives_per_subject
        return float(self.sensitivity[reached].max(initial=0.0))


def match(subject: SubjectFindings, tolerance_mm: float) -> NDArray[np.bool_]:
    """(n,) whether each candidate is a lesion.

    Candidates take turns, the highest score first, of equal ones the first; each takes the nearest
    lesion that is left and within the tolerance of its centre, or whose box it lies in. A lesion is
    found once: what hits it again is a false positive.
    """
    hits = np.zeros(len(subject.scores), np.bool_)
    free = np.ones(len(subject.lesions_mm), np.bool_)
    for index in np.argsort(-subject.scores, kind="stable"):
        place = subject.candidates_mm[index]
        distance = _distance(place, subject.lesions_mm, subject.diameters_mm, tolerance_mm)
        distance[~free] = np.inf
        if len(distance) and np.isfinite(distance.min()):
            free[int(distance.argmin())] = False
            hits[index] = True
    return hits


def _distance(
    place: Floats, lesions_mm: Floats, diameters_mm: Floats, tolerance_mm: float
) -> Floats:
    """(m,) distance of a place (3,) from the lesions that it hits, infinite from the others."""
    apart = np.abs(lesions_mm - place)
    distance = np.sqrt((apart**2).sum(1))
    inside = (apart <= diameters_mm[:, None] / 2).all(1)
    return np.where((distance <= tolerance_mm) | inside, distance, np.inf)


def without_doubtful(
    subject: SubjectFindings, places_mm: Floats, diameters_mm: Floats, tolerance_mm: float = 3.0
) -> SubjectFindings:
    """Without the candidates that hit a doubtful lesion and no certain one: they count neither way.

    Args:
        subject: what was found, and the certain lesions.
        places_mm: (k, 3) centres of the lesions that nobody is certain of.
        diameters_mm: (k,) of these.
        tolerance_mm: as in `match`.
    """

    def hit(places: Floats, diameters: Floats) -> NDArray[np.bool_]:
        rows = [
            np.isfinite(_distance(candidate, places, diameters, tolerance_mm)).any()
            for candidate in subject.candidates_mm
        ]
        return np.array(rows, np.bool_)

    kept = ~hit(places_mm, diameters_mm) | hit(subject.lesions_mm, subject.diameters_mm)
    return replace(subject, candidates_mm=subject.candidates_mm[kept], scores=subject.scores[kept])


def score(
    subjects: Sequence[SubjectFindings], *, tolerance_mm: float = 3.0, threshold: float = -np.inf
) -> DetectionScore:
    """Counts of the candidates with at least the threshold's score.

    Raises:
        ValueError: there are no subjects.
    """
    hits, scores, lesions = _pooled(subjects, tolerance_mm)
    counted = hits[scores >= threshold]
    found = int(counted.sum())
    return DetectionScore(
        true_positives=found,
        false_positives=len(counted) - found,
        false_negatives=lesions - found,
        subjects=len(subjects),
    )


def false_positives(
    subjects: Sequence[SubjectFindings], *, tolerance_mm: float = 3.0, threshold: float = -np.inf
) -> NDArray[np.int64]:
    """(subjects,) false positives of each, for their histogram and the interval of their mean."""
    counts = [
        int((~match(subject, tolerance_mm) & (subject.scores >= threshold)).sum())
        for subject in subjects
    ]
    return np.array(counts, np.int64)


def froc(subjects: Sequence[SubjectFindings], *, tolerance_mm: float = 3.0) -> Froc:
    """One point per score that occurs.

    Because the highest scores choose first, what a stricter threshold leaves is matched the same.

    Raises:
        ValueError: there are no subjects.
    """
    hits, scores, lesions = _pooled(subjects, tolerance_mm)
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # of those with an equal score
    found, counted = np.cumsum(hits[order])[last], last + 1
    return Froc(
        thresholds=scores[order][last],
        sensitivity=found / max(lesions, 1),
        false_positives_per_subject=(counted - found) / len(subjects),
        precision=found / counted,
    )


def _pooled(
    subjects: Sequence[SubjectFindings], tolerance_mm: float
) -> tuple[NDArray[np.bool_], Floats, int]:
    if not subjects:
        message = "expected at least one subject, got none; a rate per subject has no meaning then"
        raise ValueError(message)
    hits = np.concatenate([match(subject, tolerance_mm) for subject in subjects])
    scores = np.concatenate([subject.scores for subject in subjects])
    return hits, scores, sum(len(subject.lesions_mm) for subject in subjects)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
