"""A stand-in for pycuda.driver: the calls we make, with the rules the CUDA driver has for them.

A context must be current in the calling thread; what is queued on a stream happens when somebody
waits for it, and at once where the kernels were built for a device or for the emulation: those do
not know the streams of the stand-in. It proves nothing about PyCUDA or CUDA.
"""

import ctypes
import threading
from collections import deque
from types import ModuleType, SimpleNamespace

import numpy as np

from sdk import _native


class Error(Exception):
    """As pycuda.driver.Error."""


class LogicError(Error):
    """As pycuda.driver.LogicError."""


class Contexts(threading.local):
    """The stack of contexts of each thread."""

    def __init__(self):
        self.stack = []


CONTEXTS = Contexts()
STREAMS = {}


def need_context():
    if not CONTEXTS.stack:
        raise LogicError("[stand-in] invalid device context: none is current in this thread")


OWN = set()
"""Addresses of the stand-in's own memory, host's or device's; everything else is the kernels'."""


def memory(address, count):
    """The bytes at an address of our own."""
    return np.ctypeslib.as_array((ctypes.c_uint8 * count).from_address(address))


class Foreign:
    """Memory that the kernels made, seen as an array."""

    def __init__(self, address, count):
        face = {"shape": (count,), "typestr": "|u1", "data": (address, False), "version": 3}
        self.__cuda_array_interface__ = face


def read(address, count):
    """A copy of the bytes at an address."""
    if address in OWN:
        return memory(address, count).copy()
    return _native.DeviceArray.view(Foreign(address, count)).numpy()


def write(address, content):
    """Puts bytes at an address."""
    if address in OWN:
        np.copyto(memory(address, content.nbytes), content)
    else:
        _native.DeviceArray.view(Foreign(address, content.nbytes)).copy_from(content)


class Stream:
    """Keeps what is queued until somebody waits, or in a recording if there is one."""

    def __init__(self, flags=0):
        need_context()
        self.flags, self.handle = flags, len(STREAMS) + 4096
        self.queued, self.recording = deque(), None
        STREAMS[self.handle] = self

    def queue(self, work):
        need_context()
        (self.queued if self.recording is None else self.recording).append(work)
        if _native.has_cuda and self.recording is None:
            self.synchronize()

    def synchronize(self):
        need_context()
        if self.recording is not None:
            raise LogicError("[stand-in] operation not permitted when stream is capturing")
        while self.queued:
            self.queued.popleft()()


class CudaGraph:
    """A stand-in for our own compiled CudaGraph."""

    def __init__(self, stream):
        self.stream, self.work, self.launches = STREAMS[stream], [], 0

    def __enter__(self):
        self.stream.recording = self.work
        return self

    def __exit__(self, *error):
        self.stream.recording = None

    def launch(self):
        self.launches += 1
        for work in self.work:
            self.stream.queue(work)


class HostAllocation:
    """Owner of page-locked memory, the base of its array."""

    def __init__(self, count, flags):
        self._bytes, self._flags = np.full(count, 0xAB, np.uint8), flags
        self.__array_interface__ = self._bytes.__array_interface__
        OWN.add(self._bytes.ctypes.data)

    def get_device_pointer(self):
        if not self._flags & driver_flags.DEVICEMAP:
            raise LogicError("[stand-in] this memory is not mapped")
        return self._bytes.ctypes.data


driver_flags = SimpleNamespace(PORTABLE=1, DEVICEMAP=2)


class DeviceAllocation:
    def __init__(self, count):
        need_context()
        self._bytes = np.full(count, 0xCD, np.uint8)
        OWN.add(self._bytes.ctypes.data)

    def __int__(self):
        return self._bytes.ctypes.data


class Context:
    def push(self):
        CONTEXTS.stack.append(self)

    @staticmethod
    def pop():
        if not CONTEXTS.stack:
            raise LogicError("[stand-in] cannot pop from an empty stack")
        CONTEXTS.stack.pop()


def pagelocked_empty(shape, dtype, order="C", mem_flags=0):
    need_context()
    assert dtype is np.uint8, "the base of another array would not be its allocation"
    return np.asarray(HostAllocation(shape, mem_flags))


def memcpy_htod_async(dest, src, stream):
    target, source = memory(int(dest), src.nbytes), src
    stream.queue(lambda: np.copyto(target, source))


def memcpy_dtoh_async(dest, src, stream):
    source = memory(int(src), dest.nbytes)
    stream.queue(lambda: np.copyto(dest, source))


def make(*, integrated=False):
    """The module pycuda.driver of a machine with one device."""
    driver = ModuleType("pycuda.driver", "stand-in")
    driver.Error, driver.LogicError = Error, LogicError
    driver.Stream, driver.mem_alloc = Stream, DeviceAllocation
    driver.pagelocked_empty, driver.host_alloc_flags = pagelocked_empty, driver_flags
    driver.memcpy_htod_async, driver.memcpy_dtoh_async = memcpy_htod_async, memcpy_dtoh_async
    driver.device_attribute = SimpleNamespace(INTEGRATED="integrated")
    driver.init = lambda: None

    class Device:
        def __init__(self, ordinal):
            assert ordinal == 0

        def get_attribute(self, attribute):
            return {"integrated": int(integrated)}[attribute]

        def retain_primary_context(self):
            return Context()

    driver.Device = Device
    return driver
