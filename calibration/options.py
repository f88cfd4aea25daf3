"""How a network is quantised: everything that ``angioedge calibrate`` can be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from calibration.agreement import Tolerance
from calibration.placement import X86
from calibration.recovery import STEPS, Step

FRAMES, TILES = 64, 24
Choice = Literal["best", "per-tensor", "minmax", "percentile", "mse", "entropy"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a network is quantised."""

    count: int | None = None
    """Frames, or tiles and patches of volumes, that give the ranges; None: 64, or 24 of each.
    Whole runs where the network follows runs."""
    held_out: Sequence[Path] = ()
    """Runs to compare on; empty: frames, or runs, between those that give the ranges."""
    held_out_count: int = 32
    """Frames to compare on."""
    ranges: Choice | None = None
    """Method, or how to choose between them; None: best, but minmax for a detector, from which
    anything that clips tails takes its lesions."""
    keep_float: Sequence[str] = ()
    """Names of operations to leave in float; ``*`` stands for any part of a name."""
    x86: X86 = "onnxruntime"
    """What the twin for x86 is for: a library, of which OpenVINO needs no pairs behind INT8
    operations, or exactly the numbers of the form for TensorRT."""
    int8_states: bool = False
    """Quantise the operations through which states come back to themselves, too."""
    fewer: bool = False
    """Make a second INT8 graph with half of its operations in float."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Tensor -> limit that replaces the one found."""
    recover: Sequence[Step] = STEPS
    """What is tried where the network falls short on frames of its own."""
    tolerance: Tolerance = field(default_factory=Tolerance)
    """Within which the graphs are certified."""
    examples: int = 3
    """Held-out frames pictured in the report; 0: none."""
    typed: bool = True
    """Whether the FP16 forms are made, for strongly typed builds."""
    threads: int | None = None
    """Threads inside one operator; None: every core."""
    resume: Path | None = None
    """Folder that keeps histograms while calibration runs; the same frames go on from there."""
