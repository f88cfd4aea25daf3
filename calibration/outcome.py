"""What calibration came to, before anything is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calibration.agreement import Measured
from calibration.folder import Quantised
from calibration.ranges import Range
from calibration.recovery import told_of_step

LITTLE = 0.2
"""Share of the multiplications below which INT8 is not worth much."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out, not written yet.

    Attributes:
        quantised: what would join the model folder.
        ranges: of every tensor that carries a Q/DQ pair in one of the graphs.
        agreements: (precision, precision) -> how closely the answers agree.
        shortfalls: what lies outside the tolerance, in words; empty: certified.
        recovery: what was tried where the answers fell short, and what was measured.
        refused: picked frames that do not fit the task, with the reason.
        int8_shares: network, empty where there is one only -> share of its multiplications that
            every form does in INT8.
    """

    quantised: Quantised
    ranges: Mapping[str, Range]
    agreements: Mapping[tuple[str, str], Measured]
    shortfalls: tuple[str, ...]
    recovery: Sequence[Mapping[str, Any]]
    refused: tuple[str, ...]
    int8_shares: Mapping[str, float]

    def lines(self) -> list[str]:
        """For a person."""
        told = [f"set aside: {reason}" for reason in self.refused]
        told += [*map(told_of_step, self.recovery), *self._clipped()]
        for (a, b), agreement in self.agreements.items():
            found = ", ".join(f"{name} {value}" for name, value in agreement.summary().items())
            told.append(f"{b} against {a}: {found}")
        told += [_of_int8(*item) for item in self.int8_shares.items()]
        return told + [f"outside the tolerance: {reason}" for reason in self.shortfalls]

    def _clipped(self) -> list[str]:
        """The tensor of which most is clipped; the report says it of every tensor."""
        name, most = max(self.ranges.items(), key=lambda item: item[1].clipped)
        return [f"clipped most: {most.clipped:.4%} of {name}"] if most.clipped else []


def _of_int8(network: str, share: float) -> str:
    said = f"{network}: " if network else ""
    said += f"{share:.0%} of the multiplications are INT8"
    if share >= LITTLE:
        return said
    return f"{said}, so little that it may be no faster than FP32; angioedge tune measures it"
