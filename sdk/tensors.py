"""Named tensors, the language spoken between tasks and backends."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Tensors: TypeAlias = Mapping[str, Any]
"""NumPy arrays by name, or `sdk.kernels.DeviceArray` where a CUDA device runs the graph."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, shape and dtype of one input or output of a graph."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype} {list(self.shape)}"


def allocate(specs: Iterable[TensorSpec]) -> dict[str, NDArray[Any]]:
    """Makes zeroed host memory for the given tensors."""
    return {spec.name: np.zeros(spec.shape, spec.dtype) for spec in specs}


def specs_of(tensors: Tensors) -> tuple[TensorSpec, ...]:
    """Describes tensors that already exist."""
    return tuple(TensorSpec(name, t.shape, str(t.dtype)) for name, t in tensors.items())
