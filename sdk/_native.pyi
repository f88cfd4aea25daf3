from collections.abc import Sequence
from typing import Any

has_cuda: bool
cuda_decision: str
version: str

def cpu_target() -> str: ...
def limit_cpu_target(name: str) -> None: ...

# frame_kernels.cpp
def min_projection(frame: Any, lowest: Any) -> None: ...

# subtraction.cpp
def subtract(frame: Any, mask: Any, out: Any, options: Any) -> None: ...

# percentiles.cpp
class PercentileWorkspace: ...

def percentiles(
    pixels: Any, irradiated: Any, q: Sequence[float], workspace: PercentileWorkspace
) -> tuple[tuple[float, ...], int, int]: ...

# masks.cpp
def threshold(logits: Any, level: float, out: Any) -> int: ...
