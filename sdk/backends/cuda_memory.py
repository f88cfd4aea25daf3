"""Memory, stream and context of a CUDA device through PyCUDA: the one file that knows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sdk import kernels
from sdk.errors import BackendError
from sdk.kernels import DeviceArray
from sdk.tensors import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

try:
    from pycuda import driver
except ImportError as error:
    raise BackendError(
        "running TensorRT engines needs PyCUDA: pip install 'angioedge[tensorrt]' (it is compiled "
        "against the CUDA toolkit of this device)"
    ) from error

NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING: work of others on the default stream does not hold this stream up."""


class CudaStream:
    """A stream of its own in the device's primary context, and tensors that live beside it.

    The context is current only inside `current`, in whichever thread enters it; all other methods
    are called there.
    """

    def __init__(self, ordinal: int = 0) -> None:
        """Takes the number of the device.

        Raises:
            BackendError: the driver refuses.
        """
        with mapped_errors("opening the CUDA device"):
            self._context, self._integrated = _primary_context(ordinal)
        with self.current():
            self._stream = driver.Stream(NON_BLOCKING)
        self.handle: int = self._stream.handle

    @contextmanager
    def current(self) -> Iterator[None]:
        """Makes the primary context current in this thread for the length of the block.

        Raises:
            BackendError: whatever the driver refuses inside the block.
        """
        with mapped_errors("using the CUDA device"):
            self._context.push()
            try:
                yield
            finally:
                self._context.pop()

    def tensor(self, spec: TensorSpec, *, on_device: bool = False) -> "CudaTensor | DeviceTensor":
        """Makes a zeroed tensor: on the host where the device can reach it, or on the device."""
        if on_device:
            return DeviceTensor(spec, self.handle)
        return CudaTensor(spec, mapped=self._integrated)

    def upload(self, tensor: "CudaTensor | DeviceTensor") -> None:
        """Queues the copy to the device, where one is needed."""
        if isinstance(tensor, CudaTensor) and tensor.device is not None:
            driver.memcpy_htod_async(tensor.device, tensor.pinned, self._stream)

    def download(self, tensor: "CudaTensor | DeviceTensor") -> None:
        """Queues the copy to the host, where one is needed."""
        if isinstance(tensor, CudaTensor) and tensor.device is not None:
            driver.memcpy_dtoh_async(tensor.pinned, tensor.device, self._stream)

    def clear(self, tensor: "CudaTensor | DeviceTensor") -> None:
        """Makes a tensor zero wherever it lives; no run may be under way on the host's side."""
        kernels.clear(tensor.array)
        self.upload(tensor)

    def wait(self) -> None:
        """Waits until everything queued is done."""
        self._stream.synchronize()

    def close(self) -> None:
        """Destroys the stream; called inside `current`."""
        self._stream = None


class CudaTensor:
    """A tensor in pinned host memory and what the device sees of it.

    Where the device shares its memory with the CPU, as on a Jetson, the device works on the pinned
    memory itself. Elsewhere it has a copy.

    Attributes:
        name: of the tensor in its graph.
        array: the tensor on the host.
        pinned: its bytes.
        device: the copy on the device, None where the pinned memory is mapped.
        address: where the device finds it.
    """

    def __init__(self, spec: TensorSpec, *, mapped: bool) -> None:
        self.name = spec.name
        dtype = np.dtype(spec.dtype)
        count = int(np.prod(spec.shape)) * dtype.itemsize
        flags = driver.host_alloc_flags.DEVICEMAP if mapped else 0
        self.pinned: NDArray[np.uint8] = driver.pagelocked_empty(count, np.uint8, mem_flags=flags)
        self.pinned[...] = 0
        self.array: NDArray[Any] = self.pinned.view(dtype).reshape(spec.shape)
        self.device: Any = None if mapped else driver.mem_alloc(count)
        allocation: Any = self.pinned.base if mapped else self.device
        self.address = int(allocation.get_device_pointer() if mapped else allocation)


class DeviceTensor:
    """A tensor that only the device sees, for kernels that fill and read it there.

    Attributes:
        name: of the tensor in its graph.
        array: the tensor on the device, in the stream it was made for.
        address: where the device finds it.
    """

    def __init__(self, spec: TensorSpec, stream: int) -> None:
        self.name = spec.name
        try:
            self.array = DeviceArray(spec.shape, np.dtype(spec.dtype), stream)
            self.array.clear()
        except RuntimeError as error:
            raise BackendError(f"there is no memory for {spec} on the device: {error}") from error
        self.address: int = self.array.__cuda_array_interface__["data"][0]


@contextmanager
def mapped_errors(doing: str) -> Iterator[None]:
    """Turns what PyCUDA raises into the SDK's own error, which says what was being done."""
    try:
        yield
    except driver.Error as error:
        raise BackendError(f"{doing} failed: {error}") from error


@cache
def _primary_context(ordinal: int) -> tuple[Any, bool]:
    """The context that the CUDA runtime, TensorRT and others in this process share.

    It is retained once and never released: PyCUDA releases it only in the thread that retained
    it, and leaves it on that thread's stack.
    """
    driver.init()
    device = driver.Device(ordinal)
    integrated = device.get_attribute(driver.device_attribute.INTEGRATED)
    return device.retain_primary_context(), bool(integrated)
