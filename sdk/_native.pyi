from typing import Any

has_cuda: bool
cuda_decision: str
version: str

def cpu_target() -> str: ...
def limit_cpu_target(name: str) -> None: ...

# frame_kernels.cpp
def min_projection(frame: Any, lowest: Any) -> None: ...
