"""Golden vectors: recorded inputs and answers, and how closely a device must reproduce them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

GoldenPair: TypeAlias = tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]

TOLERANCE = 1e-3
"""Largest difference where a manifest says nothing, relative to the range of the output."""
STEPS = 16
"""Steps that a recorded output takes within that tolerance; finer ones would be noise to store."""
ROUNDING = {"fp16": 2e-2, "int8": 1e-1}
"""Difference, relative to an output's range, that rounding alone can explain."""
LEAST_AGREEMENT = {"dice": 0.98, "filled_dice": 0.98, "same_grade": 1.0}
LEAST_AGREEMENT |= {"same_bleeds": 0.98, "same_regions": 0.98}
"""Of answers on golden frames, where a manifest says nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """How closely a device must reproduce golden.npz.

    Attributes:
        file: the recorded inputs and outputs.
        tolerance: largest difference from a recorded output, relative to that output's range.
        tolerances: the same for graphs that compute less exactly: precision -> output -> tolerance.
            Where nothing was measured for a precision, `ROUNDING` holds.
        answers: how closely the answers of an engine must agree with those of the FP32 graph on a
            CPU: measure of the task's `agreement` -> least mean over the golden frames.
        agreements: the same for graphs that agree less on these very frames on the workstation
            already: precision -> measure -> least mean.
    """

    file: str = "golden.npz"
    tolerance: float = TOLERANCE
    tolerances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    answers: Mapping[str, float] = field(default_factory=lambda: dict(LEAST_AGREEMENT))
    agreements: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def tolerance_of(self, precision: str, output: str) -> float:
        """Largest difference that the graph of a precision may show on an output."""
        rounding = ROUNDING.get(_family(precision), 0.0)
        measured = _measured(self.tolerances, precision)
        return measured.get(output, max(self.tolerance, rounding))

    def least_agreement(self, precision: str, measure: str) -> float:
        """Least mean of a measure of agreement; of one that nobody set a limit for, 1."""
        asked = self.answers.get(measure, LEAST_AGREEMENT.get(measure, 1.0))
        return _measured(self.agreements, precision).get(measure, asked)


def _family(precision: str) -> str:
    return precision.partition(".")[0]


def _measured(of: Mapping[str, Mapping[str, float]], precision: str) -> dict[str, float]:
    """What was measured for a precision, or else for the one that it is a form of."""
    return {**of.get(_family(precision), {}), **of.get(precision, {})}


def pack_golden(pairs: Sequence[GoldenPair]) -> bytes:
    """The content of golden.npz; ``pair_golden(numpy.load(file))`` reads it back.

    Inputs come back exactly, outputs within a thirty-second of `TOLERANCE`: rounded, they take half
    the bytes.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for index, (inputs, outputs) in enumerate(pairs):
        arrays |= {f"{index}/inputs/{name}": tensor for name, tensor in inputs.items()}
        arrays |= {f"{index}/outputs/{name}": _rounded(kept) for name, kept in outputs.items()}
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _rounded(output: NDArray[Any]) -> NDArray[Any]:
    """To steps of a power of two, which pack well; no number changes its sign or becomes zero."""
    if output.dtype not in (np.float32, np.float64):
        return output
    span = float(np.ptp(output))
    if not np.isfinite(span) or span == 0:
        return output
    step = 2.0 ** np.floor(np.log2(span * TOLERANCE / STEPS))
    steps = np.rint(output / step)
    return np.where(steps == 0, output, steps * step).astype(output.dtype)


def relative_difference(recorded: NDArray[Any], computed: NDArray[Any]) -> float:
    """Largest difference of an output from what was recorded, relative to the recorded range.

    In double precision: bytes would wrap around, and half precision would overflow.
    """
    expected = recorded.astype(np.float64)
    return float(np.abs(computed - expected).max() / (np.ptp(expected) or 1.0))


def pair_golden(arrays: Mapping[str, NDArray[Any]]) -> list[GoldenPair]:
    """The inverse of `pack_golden`.

    Raises:
        ValueError: these are no golden vectors, or nothing was recorded with one.
    """
    pairs: dict[int, GoldenPair] = {}
    for key, array in arrays.items():
        match key.split("/", 2):
            case [index, "inputs" | "outputs" as side, name] if index.isdecimal():
                pair = pairs.setdefault(int(index), ({}, {}))
                pair[side == "outputs"][name] = array
            case _:
                raise ValueError(f"{key} is no name of a golden vector")
    if not pairs or not all(inputs and outputs for inputs, outputs in pairs.values()):
        raise ValueError("inputs or outputs are missing")
    return [pairs[index] for index in sorted(pairs)]
