"""Arrays on the device: copied when asked, refused where they do not belong."""

import numpy as np
import pytest
from dlpack_producer import OnlyDlpack

from sdk import _native, kernels
from sdk.kernels.device import empty_beside, on_device


def test_host_arrays_are_not_on_a_device():
    array = np.zeros((2, 3), np.uint8)
    assert not on_device(array)
    assert not on_device(memoryview(array))
    assert isinstance(empty_beside(array, (4,), np.int64), np.ndarray)


@pytest.mark.skipif(_native.has_cuda, reason="this build has CUDA kernels")
def test_a_build_without_cuda_says_so():
    usable, why = kernels.cuda_device()
    assert not usable
    assert "not built" in why
    with pytest.raises(RuntimeError, match="built without CUDA"):
        kernels.DeviceArray((2, 3), np.uint8)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32, np.bool_])
@pytest.mark.parametrize("shape", [(0,), (1,), (7, 5), (2, 3, 4), (0, 3)])
def test_a_copy_comes_back_as_it_went(cuda, dtype, shape):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    there = cuda.put(array)
    assert (there.shape, there.dtype, there.ndim) == (array.shape, array.dtype, array.ndim)
    assert (len(there), there.nbytes) == (len(array), array.nbytes)
    np.testing.assert_array_equal(there.numpy(), array)
    again = _native.DeviceArray(shape, dtype)
    again.copy_from(there)
    np.testing.assert_array_equal(again.numpy(), array)


@pytest.mark.gpu
def test_a_head_is_the_same_memory(cuda):
    array = cuda.put(np.arange(12, dtype=np.int32).reshape(4, 3))
    head = array.head(2)
    head.copy_from(np.full((2, 3), 9, np.int32))
    np.testing.assert_array_equal(array.numpy(), [[9] * 3, [9] * 3, [6, 7, 8], [9, 10, 11]])
    with pytest.raises(ValueError, match="count must be 0 to 4, got 5"):
        array.head(5)


@pytest.mark.gpu
@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        np.s_[1],
        np.s_[0, 2],
        np.s_[1:],
        np.s_[:, 1:3],
        np.s_[0, :, 1:2],
        np.s_[1:1],
        np.s_[-1:],
    ],
)
def test_indexing_gives_views_as_numpy_does(cuda, index):
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    there = cuda.put(array)
    view, expected = there[index], array[index]
    assert view.shape == expected.shape
    face, origin = view.__cuda_array_interface__, there.__cuda_array_interface__["data"][0]
    assert face["strides"] in (None, expected.strides)
    if expected.flags.c_contiguous:
        np.testing.assert_array_equal(view.numpy(), expected)
    if expected.size:
        offset = expected.ctypes.data - array.ctypes.data
        assert face["data"][0] - origin == offset


@pytest.mark.gpu
def test_what_a_view_cannot_do_is_refused(cuda):
    there = cuda.put(np.zeros((4, 6), np.uint8))
    with pytest.raises(ValueError, match="C-contiguous for a copy, got a view of shape"):
        there[:, 1:].numpy()
    with pytest.raises(ValueError, match="must have no step, got 2"):
        there[::2]
    with pytest.raises(IndexError, match="below 4, got 4"):
        there[4]
    for index in (..., None, 1.0, "0"):
        with pytest.raises(TypeError, match="takes integers and slices as indices"):
            there[index]
    with pytest.raises(IndexError, match="an array of 2 axes takes no 3 indices"):
        there[0, 0, 0]
    with pytest.raises(ValueError, match=r"as many elements as \(4, 6\), got \(5, 5\)"):
        there.reshape((5, 5))


@pytest.mark.gpu
@pytest.mark.parametrize("shape", [(-1,), (2, -3), (-4, -6), (1 << 40, 1 << 40)])
def test_a_shape_that_no_memory_has_is_refused(cuda, shape):
    there = cuda.put(np.zeros((4, 6), np.uint8))
    for make in (
        lambda: there.reshape(shape),
        lambda: _native.DeviceArray(shape, np.uint8),
        lambda: kernels.ArrayPool().beside(there, shape, np.uint8),
    ):
        with pytest.raises(ValueError, match="extents of 0 or more that memory can hold"):
            make()


@pytest.mark.gpu
def test_read_only_memory_of_another_library_is_not_written_to(cuda):
    there = cuda.put(np.arange(4, dtype=np.uint8).reshape(2, 2))

    class ReadOnly:
        face = there.__cuda_array_interface__
        __cuda_array_interface__ = face | {"data": (face["data"][0], True)}

    view = _native.DeviceArray.view(ReadOnly())
    for write in (
        view.clear,
        view.reshape((4,))[1:3].clear,
        lambda: view.copy_from(np.zeros((2, 2), np.uint8)),
        lambda: _native.Upload().send(np.zeros((2, 2), np.uint8), view),
    ):
        with pytest.raises(ValueError, match="array must be writable"):
            write()
    np.testing.assert_array_equal(view.numpy(), [[0, 1], [2, 3]])


@pytest.mark.gpu
def test_a_failure_is_not_met_again_by_the_next_kernel(cuda):
    with pytest.raises(RuntimeError, match="allocating device memory failed"):
        _native.DeviceArray((1 << 60,), np.uint8)
    lowest = cuda.put(np.full((2, 3), 7, np.uint8))
    kernels.min_projection(cuda.put(np.full((2, 3), 5, np.uint8)), lowest)
    np.testing.assert_array_equal(lowest.numpy(), np.full((2, 3), 5))


@pytest.mark.gpu
def test_nothing_copies_a_device_array_in_silence(cuda):
    with pytest.raises(TypeError, match="not copied to the host in silence"):
        np.asarray(cuda.put(np.zeros(3, np.uint8)))


@pytest.mark.gpu
def test_cleared_and_reshaped_arrays_are_the_same_memory(cuda):
    there = cuda.put(np.arange(12, dtype=np.float32).reshape(3, 4))
    there[1].clear()
    expected = np.arange(12, dtype=np.float32)
    expected[4:8] = 0
    np.testing.assert_array_equal(there.reshape((12,)).numpy(), expected)


@pytest.mark.gpu
def test_another_librarys_memory_is_taken_as_it_lies(cuda):
    there = cuda.put(np.arange(6, dtype=np.uint16).reshape(2, 3))
    view = _native.DeviceArray.view(OnlyDlpack(there))
    assert (view.shape, view.dtype) == ((2, 3), np.uint16)
    address = view.__cuda_array_interface__["data"][0]
    assert address == there.__cuda_array_interface__["data"][0]
    np.testing.assert_array_equal(view.numpy(), there.numpy())
    with pytest.raises(ValueError, match="must lie on a CUDA device"):
        _native.DeviceArray.view(np.zeros(3, np.uint8))


@pytest.mark.gpu
def test_a_settled_array_belongs_to_no_stream(cuda):
    array = _native.DeviceArray((2,), np.uint8, _native.DeviceStream().handle)
    assert array.__cuda_array_interface__["stream"] not in (None, 1)
    assert array.settled().__cuda_array_interface__["stream"] is None


@pytest.mark.gpu
@pytest.mark.parametrize("wrong", [np.zeros((3, 2), np.uint8), np.zeros((2, 3), np.int8)])
def test_another_shape_or_type_is_not_copied(cuda, wrong):
    with pytest.raises(ValueError, match=r"array must be uint8 \(2, 3\)"):
        cuda.put(np.zeros((2, 3), np.uint8)).copy_from(wrong)
    with pytest.raises(ValueError, match="C-contiguous"):
        cuda.put(np.zeros((2, 3), np.uint8)).copy_from(np.zeros((3, 2), np.uint8).T)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_an_array_is_filled_from_another_precision(device, dtype):
    """Golden inputs are kept in half precision."""
    array = device.put(np.zeros((2, 3), np.float32))
    content = np.linspace(0, 1, 6).reshape(3, 2).astype(dtype).T
    kernels.fill(array, content)
    np.testing.assert_array_equal(device.get(array), content.astype(np.float32))


def test_an_array_is_not_filled_from_other_numbers_or_another_shape(device):
    array = device.put(np.zeros((2, 3), np.int32))
    with pytest.raises(TypeError, match="same_kind"):
        kernels.fill(array, np.full((2, 3), 0.5))
    with pytest.raises(ValueError, match=r"\(3, ?2\)"):
        kernels.fill(array, np.zeros((3, 2), np.int32))


@pytest.mark.gpu
def test_host_and_device_are_not_mixed(cuda):
    frame = np.zeros((40, 40), np.uint8)
    there = cuda.put(frame)
    with pytest.raises(ValueError, match="out must be on the device of mask"):
        kernels.remove_small(there, 2, out=frame)
    with pytest.raises(ValueError, match="labels must be on the device of mask"):
        kernels.components(there, labels=np.zeros((40, 40), np.int32))
    with pytest.raises(ValueError, match="irradiated must be on the device of pixels"):
        kernels.percentiles(there, (50,), irradiated=frame)
    with pytest.raises(ValueError, match="scores must be on the device of boxes"):
        kernels.nms(cuda.put(np.zeros((1, 4), np.float32)), np.zeros(1, np.float32), 0.5)


@pytest.mark.gpu
def test_what_stays_on_the_cpu_says_why(cuda):
    boxes = cuda.put(np.array([[0, 0, 4, 4]], np.float32))
    scores = cuda.put(np.ones(1, np.float32))
    with pytest.raises(ValueError, match="no CUDA form: one box follows the other"):
        kernels.soft_nms(boxes, scores)
