"""Offers an array on the device by DLPack and by nothing else, as a library of its own would."""

import ctypes

import numpy as np

KINDS = {"i": 0, "u": 1, "f": 2}
CUDA = 2


class Tensor(ctypes.Structure):
    """DLTensor of DLPack's header."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class Managed(ctypes.Structure):
    """DLManagedTensor."""

    _fields_ = (("tensor", Tensor), ("manager", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


LENT = {}
"""Address of a DLManagedTensor -> it and the array it describes, until the consumer is done."""


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def give_back(address):
    del LENT[address]


class OnlyDlpack:
    """Wraps a dense `DeviceArray`."""

    def __init__(self, array):
        self._array = array

    def __dlpack_device__(self):
        return CUDA, 0

    def __dlpack__(self, **options):
        face = self._array.__cuda_array_interface__
        dtype, shape = np.dtype(face["typestr"]), face["shape"]
        tensor = Tensor(
            data=face["data"][0],
            device_type=CUDA,
            ndim=len(shape),
            code=KINDS[dtype.kind],
            bits=8 * dtype.itemsize,
            lanes=1,
            shape=(ctypes.c_int64 * len(shape))(*shape),
        )
        managed = Managed(tensor=tensor, deleter=ctypes.cast(give_back, ctypes.c_void_p))
        address = ctypes.addressof(managed)
        LENT[address] = managed, self._array
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p] + 2 * [ctypes.c_char_p]
        return new(address, b"dltensor", None)
