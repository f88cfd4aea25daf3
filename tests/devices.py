"""Where a kernel test keeps its arrays: in host memory, or on the CUDA device."""

import numpy as np

from sdk import _native


class Cpu:
    """Arrays stay what they are."""

    name = "cpu"

    def put(self, array):
        return array

    def get(self, array):
        return array


class Cuda:
    """Arrays are copied to the device, and back when the test looks at them."""

    name = "cuda"

    def put(self, array):
        if array is None:
            return None
        array = np.asarray(array)
        on_device = _native.DeviceArray(array.shape, array.dtype)
        on_device.copy_from(np.ascontiguousarray(array))
        return on_device

    def get(self, array):
        return array.numpy() if isinstance(array, _native.DeviceArray) else array
