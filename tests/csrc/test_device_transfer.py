"""What moves while frames flow: no wait, no allocation, and nothing overwritten too early."""

import numpy as np
import pytest

from sdk import kernels
from sdk.kernels import ArrayPool, HostCopy, Upload


def traffic(work):
    """What some work moved."""
    before = kernels.device_traffic()
    work()
    return {name: n - before[name] for name, n in kernels.device_traffic().items()}


def frozen(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def test_in_host_memory_nothing_is_copied():
    array = np.arange(3)
    assert HostCopy().take(array) is array
    assert ArrayPool().beside(array, (2, 2), np.uint8).shape == (2, 2)
    assert kernels.to_host(array) is array
    kernels.wait(array)


@pytest.mark.gpu
def test_a_host_copy_is_there_after_a_wait(cuda):
    small, copy = cuda.put(np.arange(4, dtype=np.int64)), HostCopy()
    taken = copy.take(small)
    kernels.wait(small)
    np.testing.assert_array_equal(taken, [0, 1, 2, 3])
    large = copy.take(cuda.put(np.arange(100, dtype=np.int64)))  # in other memory
    kernels.wait(small)
    np.testing.assert_array_equal(taken, [0, 1, 2, 3])
    np.testing.assert_array_equal(large, np.arange(100))
    moved = traffic(lambda: copy.take(small))
    assert moved == {"to_device": 0, "to_host": 1, "on_device": 0, "waits": 0, "allocations": 0}


@pytest.mark.gpu
@pytest.mark.parametrize("rows", [np.s_[:], np.s_[:, 3:9], np.s_[2:5]])
def test_an_image_is_sent_whatever_its_pitch(cuda, rows):
    image = np.random.default_rng(0).integers(0, 4096, (7, 12), np.uint16)[rows]
    sent = Upload()(image, cuda.put(np.zeros(1, np.uint8)))
    np.testing.assert_array_equal(sent.numpy(), image)


@pytest.mark.gpu
@pytest.mark.parametrize("part", [np.s_[:], np.s_[1:3, 2:5], np.s_[::-1, :, 3:9], np.s_[:0]])
def test_a_volume_is_sent_whatever_its_pitches(cuda, part):
    volume = np.random.default_rng(0).integers(0, 4096, (4, 7, 12), np.uint16)[part]
    sent = Upload()(volume, cuda.put(np.zeros(1, np.uint8)))
    np.testing.assert_array_equal(sent.numpy(), volume)


@pytest.mark.gpu
def test_smaller_images_take_the_same_memory_and_larger_ones_more(cuda):
    upload, beside = Upload(), cuda.put(np.zeros(1, np.uint8))
    sizes = [(4, 5), (2, 2, 4), (3, 3), (6, 6), (4, 5)]
    new = []
    for size in sizes:
        image = np.random.default_rng(0).integers(0, 255, size, np.uint8)
        new.append(traffic(lambda image=image: upload(image, beside))["allocations"] > 0)
        np.testing.assert_array_equal(upload(image, beside).numpy(), image)
    assert new == [True, False, False, True, False]


@pytest.mark.gpu
def test_what_was_sent_to_memory_that_grew_is_sent_again(cuda):
    upload, beside = Upload(), cuda.put(np.zeros(1, np.uint8))
    still = frozen(np.ones((2, 2), np.uint8))
    upload(still, beside)
    upload(np.zeros((4, 4), np.uint8), beside)
    np.testing.assert_array_equal(upload(still, beside).numpy(), still)


@pytest.mark.gpu
def test_sending_neither_waits_nor_allocates_once_it_is_warm(cuda):
    upload, beside = Upload(), cuda.put(np.zeros(1, np.uint8))
    images = [np.full((8, 8), value, np.uint16) for value in (1, 2)]
    upload(images[0], beside)
    moved = traffic(lambda: upload(images[1], beside))
    assert moved == {"to_device": 1, "to_host": 0, "on_device": 0, "waits": 0, "allocations": 0}


@pytest.mark.gpu
def test_only_what_nobody_can_write_to_is_sent_once(cuda):
    upload, beside = Upload(), cuda.put(np.zeros(1, np.uint8))
    still = frozen(np.ones((4, 4), np.uint8))
    assert traffic(lambda: upload(still, beside))["to_device"] == 1
    assert traffic(lambda: upload(still, beside))["to_device"] == 0
    alive = np.ones((4, 4), np.uint8)
    window = alive.view()
    window.flags.writeable = False  # but what it looks at is not
    for image in (alive, window):
        upload(image, beside)
        alive[...] += 1
        np.testing.assert_array_equal(upload(image, beside).numpy(), alive)


@pytest.mark.gpu
def test_columns_that_are_not_contiguous_are_refused(cuda):
    with pytest.raises(ValueError, match="last axis is contiguous"):
        Upload()(np.zeros((8, 8), np.uint8)[:, ::2], cuda.put(np.zeros(1, np.uint8)))


@pytest.mark.gpu
def test_memory_of_the_pool_comes_back_when_its_last_view_is_gone(cuda):
    pool, beside = ArrayPool(), cuda.put(np.zeros(1, np.uint8))
    array = pool.beside(beside, (4, 4), np.uint8)
    address = array.__cuda_array_interface__["data"][0]
    view = array[1:]
    del array
    other = pool.beside(beside, (4, 4), np.uint8)
    assert other.__cuda_array_interface__["data"][0] != address
    del view
    again = pool.beside(beside, (2, 8), np.uint8)
    assert again.__cuda_array_interface__["data"][0] == address
    del pool, other
    again.clear()
    assert not again.numpy().any()
