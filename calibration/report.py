"""What manifest and report say: what was looked at, decided and measured."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from calibration.agreement import Measured, Tolerance, nothing_to_judge
from calibration.candidate import Candidate
from calibration.frames import Selection

Agreements = Mapping[tuple[str, str], Measured]
"""(precision, precision) -> how closely their answers agree."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was looked at.

    Attributes:
        labels: what to call it, one by one.
        sha256: of its content.
        refused: what was set aside, with the reason.
    """

    labels: Sequence[str]
    sha256: str
    refused: Sequence[str] = ()

    @classmethod
    def at(cls, selection: Selection) -> "Looked":
        """The frames of a selection."""
        return cls(
            labels=[selection.label(pick) for pick in selection.picks],
            sha256=selection.sha256,
            refused=selection.refused,
        )


@dataclass(frozen=True, kw_only=True)
class Account:
    """What was measured, on what, and within which limits it had to lie.

    Attributes:
        seen: gave the ranges.
        held_out: was only compared on.
        agreements: of every two graphs.
        tolerance: within which the graphs are certified.
        asked: fields of the tolerance that this task is held to.
        ranges: method, or how it was chosen.
        x86: what the twin for x86 is for.
    """

    seen: Looked
    held_out: Looked
    agreements: Agreements
    tolerance: Tolerance
    asked: Sequence[str]
    ranges: str
    x86: str

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """What lies outside the tolerance, in words; empty: certified."""
        blind = nothing_to_judge(self.agreements)
        short = (
            f"{precision}: {reason}"
            for (reference, precision), agreement in self.agreements.items()
            if reference == "fp32"
            for reason in agreement.shortfalls(self.tolerance)
        )
        return (*([blind] if blind else []), *short)

    def origin(self) -> dict[str, Any]:
        """What manifest and report both say."""
        return {
            "certified": not self.shortfalls,
            "shortfalls": list(self.shortfalls),
            "tolerance": {name: getattr(self.tolerance, name) for name in self.asked},
            "ranges": self.ranges,
            "x86": self.x86,
            "frames": {"count": len(self.seen.labels), "sha256": self.seen.sha256},
            "held_out": {"count": len(self.held_out.labels), "sha256": self.held_out.sha256},
            "agreement": {
                f"{b} against {a}": them.summary() for (a, b), them in self.agreements.items()
            },
            "versions": {name: version(name) for name in ("numpy", "onnx", "onnxruntime")},
        }

    def lists(self) -> dict[str, Any]:
        """What the report says of it beyond the manifest."""
        return {
            "calibration_frames": list(self.seen.labels),
            "held_out_frames": list(self.held_out.labels),
            "refused_frames": [*self.seen.refused, *self.held_out.refused],
        }


def decided(candidate: Candidate, prefix: str = "") -> dict[str, Any]:
    """What was decided for every operation and every tensor, names behind a prefix."""
    placement = candidate.placement
    return {
        "output_signal_over_noise_db": {
            f"{prefix}{method}": level for method, level in candidate.qualities.items()
        },
        "decisions": [
            asdict(decision) | {"node": f"{prefix}{decision.node}"}
            for decision in placement.decisions
        ],
        "shared_scales": [[f"{prefix}{name}" for name in group] for group in placement.groups],
        "tensors": {
            f"{prefix}{name}": {
                "limit": item.limit,
                "method": item.method,
                "clipped": item.clipped,
                "in_both_graphs": name in placement.tensorrt.pairs,
            }
            for name, item in candidate.ranges.items()
        },
    }
