"""Arrays come in as they are, whoever made them, and leave their producers in peace."""

import gc
import weakref

import numpy as np
import pytest

from sdk import _native, kernels

FRAME = np.arange(12, dtype=np.uint16).reshape(3, 4)


class Dlpack:
    """Offers DLPack and nothing else, as new or as old producers do."""

    def __init__(self, pixels, *, versioned=True):
        self.pixels, self.versioned = pixels, versioned

    def __dlpack__(self, **options):
        if not self.versioned:
            if options:
                raise TypeError("an old producer knows no options")
            return self.pixels.__dlpack__()
        return self.pixels.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.pixels.__dlpack_device__()


class OnCuda:
    __cuda_array_interface__ = {  # noqa: RUF012
        "shape": (3, 4),
        "typestr": "<u2",
        "data": (4096, False),
        "version": 3,
    }


@pytest.mark.parametrize("versioned", [True, False])
def test_dlpack_is_read_and_written_in_place(versioned):
    lowest = np.full((3, 4), 5, np.uint16)
    kernels.min_projection(FRAME, Dlpack(lowest, versioned=versioned))
    np.testing.assert_array_equal(lowest, np.minimum(FRAME, 5))


def test_dlpack_of_a_slice_keeps_its_offset_and_rows():
    lowest = np.full((3, 4), 5, np.uint16)
    base = np.arange(60, dtype=np.uint16).reshape(6, 10)
    kernels.min_projection(Dlpack(base[1::2, 3:7]), lowest)
    np.testing.assert_array_equal(lowest, np.minimum(base[1::2, 3:7], 5))


def test_the_buffer_protocol_is_read():
    lowest = np.full((3, 4), 5, np.uint16)
    kernels.min_projection(memoryview(FRAME), lowest)
    np.testing.assert_array_equal(lowest, np.minimum(FRAME, 5))


@pytest.mark.parametrize("wrap", [np.asarray, memoryview, Dlpack])
def test_memory_that_is_not_aligned_is_refused(wrap):
    """Loops over whole registers may read it as if it were."""
    shifted = np.frombuffer(bytes(25), np.uint16, count=12, offset=1).reshape(3, 4)
    lowest = np.zeros((3, 4), np.uint16)
    with pytest.raises(ValueError, match=r"aligned to its elements, .* numpy.array\(frame\)"):
        kernels.min_projection(wrap(shifted), lowest)
    kernels.min_projection(np.array(shifted), lowest)


def test_a_producer_is_released_after_the_call():
    pixels = FRAME.copy()
    alive = weakref.ref(pixels)
    kernels.min_projection(Dlpack(pixels), np.zeros((3, 4), np.uint16))
    del pixels
    gc.collect()
    assert alive() is None


def test_read_only_dlpack_is_not_written_to():
    lowest = np.zeros((3, 4), np.uint16)
    lowest.flags.writeable = False
    with pytest.raises((ValueError, BufferError), match=r"writable|readonly|read-only"):
        kernels.min_projection(FRAME, Dlpack(lowest))


@pytest.mark.skipif(_native.has_cuda, reason="this build has CUDA kernels")
def test_cuda_memory_without_cuda_kernels_is_refused():
    with pytest.raises(RuntimeError, match="built without CUDA"):
        kernels.min_projection(OnCuda(), OnCuda())


def test_arrays_on_two_devices_are_refused():
    with pytest.raises(ValueError, match="lowest must be on the device of frame"):
        kernels.min_projection(OnCuda(), np.zeros((3, 4), np.uint16))


def test_a_dlpack_type_without_a_name_is_refused():
    class Complex(Dlpack):
        def __init__(self):
            super().__init__(np.zeros((3, 4), np.complex64))

    with pytest.raises(TypeError, match="DLPack type"):
        kernels.min_projection(Complex(), np.zeros((3, 4), np.uint16))


def test_rows_that_share_memory_are_read_and_not_written():
    shared = np.lib.stride_tricks.as_strided(np.full(4, 5, np.uint16), (3, 4), (0, 2))
    with pytest.raises(ValueError, match="rows do not share memory"):
        kernels.min_projection(FRAME, shared)
    lowest = np.full((3, 4), 9, np.uint16)
    kernels.min_projection(shared, lowest)
    assert (lowest == 5).all()


class OfPyTorch(OnCuda):
    """Says nothing about the stream it was written in, unless it is asked by DLPack."""

    def __init__(self):
        self.asked = {}

    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, **options):
        self.asked = options
        raise RuntimeError("that was all")


def test_a_producer_that_names_no_stream_is_asked_to_wait_for_its_own():
    array = OfPyTorch()
    with pytest.raises(RuntimeError, match="that was all"):
        kernels.min_projection(array, np.zeros((3, 4), np.uint16))
    assert array.asked == {"stream": 1, "max_version": (1, 0)}


def test_a_table_of_another_length_is_refused():
    options = _Options(np.zeros(1, np.uint8))
    with pytest.raises(ValueError, match=r"allowed_table must have one value per label, \(256,\)"):
        _native.anatomical_filter(
            np.zeros((0, 4), np.float32), np.zeros((3, 4), np.uint8), options, None
        )


class _Options:
    """Those of `anatomical_filter`, as the binding reads them."""

    spacing_mm, unit, margin_mm, min_overlap = None, "px", 0.0, 0.5

    def __init__(self, table):
        self.allowed_table = table
