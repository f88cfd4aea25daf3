"""The label of a voxel is the class with the highest score."""

import numpy as np
import pytest

from sdk import kernels


def labels_of(device, scores):
    out = device.put(np.full(scores.shape[1:], 9, np.uint8))
    assert kernels.best_class(device.put(scores), out) is out
    return device.get(out)


@pytest.mark.parametrize("classes", [1, 2, 4, 9])
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (3, 40)])
def test_it_is_the_class_that_numpy_finds(device, classes, shape):
    scores = np.random.default_rng(classes).normal(0, 1, (classes, *shape)).astype(np.float32)
    np.testing.assert_array_equal(labels_of(device, scores), scores.argmax(axis=0))


def test_of_equals_the_first_wins(device):
    scores = np.random.default_rng(0).integers(0, 3, (5, 8, 9)).astype(np.float32)
    np.testing.assert_array_equal(labels_of(device, scores), scores.argmax(axis=0))
    zeros = np.array([[[0.0, -0.0]], [[-0.0, 0.0]]], np.float32)
    np.testing.assert_array_equal(labels_of(device, zeros), [[0, 0]])


def test_nan_is_never_higher_and_infinity_can_be(device):
    nan, inf = np.nan, np.inf
    scores = np.array(
        [[[1, nan, -inf, nan]], [[nan, 2, inf, nan]], [[0, nan, 3, -inf]]], np.float32
    )
    np.testing.assert_array_equal(labels_of(device, scores), [[0, 1, 1, 0]])


def test_a_view_of_some_columns_is_read_where_it_lies():
    scores = np.random.default_rng(1).normal(0, 1, (3, 6, 20)).astype(np.float32)
    out = np.full((6, 20), 9, np.uint8)
    kernels.best_class(scores[:, :, 4:15], out[:, 4:15])
    np.testing.assert_array_equal(out[:, 4:15], scores.argmax(axis=0)[:, 4:15])
    assert (out[:, :4] == 9).all()
    assert (out[:, 15:] == 9).all()


def test_every_instruction_set_gives_the_same(cpu_target):
    scores = np.random.default_rng(2).normal(0, 1, (4, 9, 70)).astype(np.float32)
    out = np.empty((9, 70), np.uint8)
    np.testing.assert_array_equal(kernels.best_class(scores, out), scores.argmax(axis=0))


def test_refuses_arrays_that_do_not_fit():
    scores, out = np.zeros((4, 5, 6), np.float32), np.zeros((5, 6), np.uint8)
    with pytest.raises(ValueError, match="a label per voxel"):
        kernels.best_class(scores, out[1:])
    with pytest.raises(ValueError, match="1 to 256 classes"):
        kernels.best_class(np.zeros((257, 5, 6), np.float32), out)
    with pytest.raises(ValueError, match="1 to 256 classes"):
        kernels.best_class(scores[:0], out)
    with pytest.raises(TypeError, match="out must be uint8, got bool"):
        kernels.best_class(scores, out.astype(bool))
    with pytest.raises(TypeError, match="scores"):
        kernels.best_class(scores.astype(np.float16), out)
