"""What moves between host and device while frames flow: no waiting, no allocating."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sdk import _native
from sdk._native import DeviceArray
from sdk.kernels.device import on_device, same_place, stream_of


class HostCopy:
    """Takes copies of small device arrays into pinned memory that it keeps, without waiting."""

    def __init__(self) -> None:
        self._copy = _native.HostCopy()

    def take(self, array: Any) -> NDArray[Any]:
        """Queues the copy, and gives the array that is going to hold it.

        It is filled once `wait` has returned, and overwritten by the next `take`. An array in host
        memory is given back as it is.

        Raises:
            ValueError: the array is a view whose elements are not next to each other.
        """
        copy: NDArray[Any] = self._copy.take(array)
        return copy


class ArrayPool:
    """Arrays that are given out again once nobody holds them or a view of them any more.

    On a device that is when the work queued so far in their stream still reads them: what comes
    next in that stream comes after it. Whoever reads them in another stream holds them until done.
    """

    def __init__(self) -> None:
        self._device = _native.DevicePool()

    def beside(self, array: Any, shape: Sequence[int], dtype: DTypeLike) -> Any:
        """Memory of any content where `array` lives; new from NumPy in host memory."""
        if not on_device(array):
            return np.empty(shape, dtype)
        return self._device.array(tuple(shape), np.dtype(dtype), stream_of(array))


class Upload:
    """Sends host images to the device, always into the same memory there, through pinned memory.

    That memory grows to the largest image. One that is read-only and came last time too is on the
    device already.
    """

    def __init__(self) -> None:
        self._upload = _native.Upload()
        self._memory: DeviceArray | None = None
        self._last: Any = None

    def __call__(self, image: Any, beside: Any) -> Any:
        """The twin of an image in device memory, in the stream of `beside`; until the next call.

        Args:
            image: (rows, columns), or a volume (slices, rows, columns).
            beside: an array on the device.

        Raises:
            ValueError: the image is not C-contiguous along its rows.
        """
        image = np.asarray(image)
        memory = self._memory
        if memory is None or not _holds(memory, image) or not same_place(memory, beside):
            memory = self._memory = DeviceArray((image.size,), image.dtype, stream_of(beside))
            self._last = None
        twin = memory.head(image.size).reshape(image.shape)
        if image is self._last and _frozen(image):
            return twin
        self._last = None  # should it fail now, nothing is known about the twin
        self._upload.send(image, twin)
        self._last = image
        return twin


def _frozen(image: Any) -> bool:
    """Whether nobody can write to an image, through what it is a view of neither."""
    while isinstance(image, np.ndarray):
        if image.flags.writeable:
            return False
        image = image.base
    return image is None or isinstance(image, bytes)


def _holds(memory: DeviceArray, image: Any) -> bool:
    return bool(len(memory) >= image.size and memory.dtype == image.dtype)
