"""Arrays on the CUDA device, for whoever has no library of their own for them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

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


def stream_of(array: Any) -> int:
    """The stream an array on the device is written in: its handle, 1 for the default stream."""
    return getattr(array, "__cuda_array_interface__", {}).get("stream") or 1


def same_place(one: Any, other: Any) -> bool:
    """Whether two arrays live in host memory, or on the device in the same stream."""
    if on_device(one) != on_device(other):
        return False
    return not on_device(one) or stream_of(one) == stream_of(other)


def empty_beside(array: Any, shape: Sequence[int], dtype: DTypeLike) -> Any:
    """New memory of any content where `array` lives: NumPy's, or a `DeviceArray` in its stream."""
    if not on_device(array):
        return np.empty(shape, dtype)
    return DeviceArray(tuple(shape), np.dtype(dtype), stream_of(array))


def shape_of(array: Any, name: str) -> tuple[int, ...]:
    """The shape of what a kernel takes as its argument `name`.

    Raises:
        TypeError: it is no array.
    """
    return array.shape if isinstance(array, np.ndarray) else _native.shape_of(array, name)


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


def to_host(array: Any) -> NDArray[Any]:
    """The array itself where it is NumPy's, otherwise a copy of a `DeviceArray`; waits for it."""
    return array.numpy() if isinstance(array, DeviceArray) else np.asarray(array)


def fill(array: Any, content: Any) -> None:
    """Copies content into an array of its shape, wherever that lives.

    Content in host memory may be of another precision, as golden vectors are. From host to device
    it waits until the content is there.

    Raises:
        TypeError: content of another kind of number, such as a fraction for a whole number.
        ValueError: another shape; on the device, another dtype than the array's.
    """
    if not isinstance(array, DeviceArray):
        np.copyto(array, content)
    elif on_device(content):
        array.copy_from(content)
    else:
        cast = np.asarray(content).astype(array.dtype, casting="same_kind", copy=False)
        array.copy_from(np.ascontiguousarray(cast))


def clear(array: Any) -> None:
    """Makes every element zero, wherever the array lives; on a device nothing is waited for."""
    if isinstance(array, DeviceArray):
        array.clear()
    else:
        array[...] = 0


def wait(array: Any) -> None:
    """Waits until everything queued in the array's stream is done; at once in host memory.

    Raises:
        RuntimeError: something queued there has failed.
    """
    if on_device(array):
        _native.wait(array)


def device_traffic() -> dict[str, int]:
    """What the kernels moved so far: copies each way, waits of the host, and allocations.

    What other libraries do is not counted.
    """
    return _native.device_traffic()


def cuda_device() -> tuple[bool, str]:
    """Whether there is a CUDA device that the kernels run on, and its name or why not."""
    return _native.cuda_device()
