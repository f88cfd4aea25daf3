"""Arrays on the CUDA device, for whoever has no library of their own for them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from sdk import _native
from sdk._native import DeviceArray

_ON_CPU = (1, 3)  # DLPack: host memory, and host memory that CUDA has pinned


def on_device(array: Any) -> bool:
    """Whether an array lives on a CUDA device."""
    if isinstance(array, np.ndarray):
        return False
    if hasattr(array, "__cuda_array_interface__"):
        return True
    where = getattr(array, "__dlpack_device__", None)
    return where is not None and where()[0] not in _ON_CPU


def empty_beside(array: Any, shape: Sequence[int], dtype: DTypeLike) -> Any:
    """New memory of any content where `array` lives: NumPy's, or a `DeviceArray` in its stream."""
    if not on_device(array):
        return np.empty(shape, dtype)
    stream = getattr(array, "__cuda_array_interface__", {}).get("stream")
    return DeviceArray(tuple(shape), np.dtype(dtype), 1 if stream is None else stream)


def first(array: Any, count: int) -> Any:
    """A view of the first `count` along the first axis."""
    return array.head(count) if isinstance(array, DeviceArray) else array[:count]


def to_device(array: Any) -> DeviceArray:
    """A copy of a NumPy array on the CUDA device.

    Raises:
        RuntimeError: the kernels were built without CUDA, or the device refuses.
        ValueError: the array is not C-contiguous.
    """
    copy = DeviceArray(array.shape, array.dtype)
    copy.copy_from(array)
    return copy


def cuda_device() -> tuple[bool, str]:
    """Whether there is a CUDA device that the kernels run on, and its name or why not."""
    return _native.cuda_device()
