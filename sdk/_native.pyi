from typing import Any

has_cuda: bool
cuda_decision: str
version: str

def cpu_target() -> str: ...
def limit_cpu_target(name: str) -> None: ...

# frame_kernels.cpp
def min_projection(frame: Any, lowest: Any) -> None: ...

# components.cpp
class ComponentsWorkspace: ...

def components(
    mask: Any, connectivity: Any, values: Any, labels: Any, workspace: ComponentsWorkspace | None
) -> tuple[Any, Any, Any, Any, Any]: ...
def remove_small(
    mask: Any, min_pixels: int, connectivity: Any, out: Any, workspace: ComponentsWorkspace | None
) -> int: ...
def keep_largest(
    mask: Any, keep: int, connectivity: Any, out: Any, workspace: ComponentsWorkspace | None
) -> int: ...
def fill_holes(
    mask: Any, connectivity: Any, out: Any, workspace: ComponentsWorkspace | None
) -> int: ...
