"""How closely two detectors find the same bleeds, and two networks name the same regions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.agreement import Tolerance
from calibration.volumes.findings import Finding, counted, same_region, tuned_threshold
from sdk.tasks.microbleeds import Microbleed
from training.detection_metrics import DetectionScore


@dataclass(frozen=True, eq=False, kw_only=True)
class TileAnswer:
    """What is found in a tile.

    Attributes:
        found: bleeds of its core, best first.
        lesions: (n, 4) true bleeds of its core, voxels of the volume and diameter in mm.
        spacing_mm: of the volume.
    """

    found: tuple[Microbleed, ...]
    lesions: NDArray[np.float64]
    spacing_mm: tuple[float, float, float]


@dataclass(kw_only=True)
class LesionAgreement:
    """How closely two detectors find the bleeds of the same subjects, or of the same tiles.

    Attributes:
        deployed: threshold of the first.
        threshold: of the second; None: the best for what was added.
        expected: what the first found.
        got: what the second found.
    """

    deployed: float
    threshold: float | None = None
    expected: list[Finding] = field(default_factory=list)
    got: list[Finding] = field(default_factory=list)

    def add(self, expected: Any, got: Any, *, ends_run: bool = False) -> None:  # noqa: ARG002
        """Counts one subject, or one tile."""
        for answer, kept in ((expected, self.expected), (got, self.got)):
            kept.append(answer if isinstance(answer, Finding) else _as_finding(answer))

    def _threshold(self) -> float:
        if self.threshold is not None:
            return self.threshold
        return tuned_threshold(self.expected, self.got, self.deployed)

    def summary(self) -> dict[str, float | int]:
        """For the report."""
        threshold = self._threshold()
        thresholds = {"reference": self.deployed, "findings": threshold}
        one, other = counted(self.expected, self.deployed), counted(self.got, threshold)
        return {
            "subjects": len(self.expected),
            "lesions": sum(len(finding.lesions) for finding in self.expected),
            "found_by_fp32": one.true_positives,
            "found": other.true_positives,
            "sensitivity_of_fp32": _share(one),
            "sensitivity": _share(other),
            "false_positives_of_fp32": round(one.false_positives_per_subject, 6),
            "false_positives": round(other.false_positives_per_subject, 6),
            "threshold": threshold,
            "same_region": round(same_region(self.expected, self.got, thresholds), 6),
        }

    def scores(self) -> Mapping[str, float]:
        """The more the better."""
        found = self.summary()
        return {
            "found": float(found["found"]),
            "few_false_positives": -float(found["false_positives"]),
            "same_region": float(found["same_region"]),
        }

    def shortfalls(self, tolerance: Tolerance) -> list[str]:
        """What lies outside a tolerance, in words; empty: nothing."""
        found, short = self.summary(), []
        lost = float(found["sensitivity_of_fp32"]) - float(found["sensitivity"])
        if not lost <= tolerance.max_lost_sensitivity:
            short.append(
                f"sensitivity {found['sensitivity']:.4f} at threshold {found['threshold']:g}, "
                f"expected {found['sensitivity_of_fp32']:.4f} of FP32 less "
                f"{tolerance.max_lost_sensitivity:g} at most"
            )
        more = float(found["false_positives"]) - float(found["false_positives_of_fp32"])
        if not more <= tolerance.max_more_false_positives:
            short.append(
                f"{found['false_positives']:.4f} false positives per subject at threshold "
                f"{found['threshold']:g}, expected {found['false_positives_of_fp32']:.4f} of FP32 "
                f"and {tolerance.max_more_false_positives:g} more at most"
            )
        if not found["same_region"] >= tolerance.min_same_region:
            short.append(
                f"same region for {found['same_region']:.1%} of the bleeds that both find, "
                f"expected {tolerance.min_same_region:.1%}"
            )
        return short

    def blind(self) -> str:
        """Why these subjects cannot tell good graphs from bad ones, in words; empty: they can."""
        lesions = sum(len(finding.lesions) for finding in self.expected)
        if counted(self.expected, self.deployed).true_positives:
            return ""
        return (
            f"FP32 finds none of the {lesions} bleeds of the {len(self.expected)} held-out "
            f"subjects above its threshold {self.deployed:g}, so that they cannot tell good graphs "
            "from bad ones; give subjects with bleeds that it finds"
        )


@dataclass(kw_only=True)
class RegionAgreement:
    """Which part of patches two networks give the same region.

    Attributes:
        same: per patch, the share of voxels with the same region.
    """

    same: list[float] = field(default_factory=list)

    def add(self, expected: Any, got: Any, *, ends_run: bool = False) -> None:  # noqa: ARG002
        """Counts one patch: two label volumes."""
        self.same.append(float(np.mean(expected == got)))

    def summary(self) -> dict[str, float | int]:
        """For the report."""
        return {
            "patches": len(self.same),
            "same_voxels_mean": round(float(np.mean(self.same)), 6),
            "same_voxels_min": round(min(self.same), 6),
        }

    def scores(self) -> Mapping[str, float]:
        """The more the better."""
        return {"same_voxels": float(np.mean(self.same))}

    def shortfalls(self, tolerance: Tolerance) -> list[str]:
        """What lies outside a tolerance, in words; empty: nothing."""
        mean = float(np.mean(self.same))
        if mean >= tolerance.min_same_region:
            return []
        return [
            f"same region in {mean:.1%} of the voxels, expected {tolerance.min_same_region:.1%}"
        ]

    def blind(self) -> str:
        """Every patch tells something."""
        return ""


def _share(found: DetectionScore) -> float:
    """Sensitivity; 0 where there is nothing to find."""
    return round(found.true_positives / max(1, found.true_positives + found.false_negatives), 6)


def _as_finding(answer: TileAnswer) -> Finding:
    return Finding(
        found=answer.found,
        lesions=answer.lesions,
        uncertain=np.zeros((0, 4)),
        spacing_mm=answer.spacing_mm,
    )
