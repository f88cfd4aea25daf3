"""The bias takes back what quantisation adds to the mean of a channel."""

from dataclasses import replace

import numpy as np
import pytest
from candidates import prepared
from small_nets import Net, chain, images, run

from calibration.bias import corrected, mean_shifts


def differences(candidate, source):
    """(channels,) mean of INT8 minus float behind the one INT8 convolution, over all frames."""
    exact, got = source.path.read_bytes(), candidate.write("int8")
    found = [
        run(got, source.frames, i, ["middle"])["middle"]
        - run(exact, source.frames, i, ["middle"])["middle"]
        for i in range(len(source.frames))
    ]
    return np.mean(np.concatenate(found), axis=(0, 2, 3))


def test_the_shift_is_the_mean_difference_and_is_taken_back(tmp_path):
    plain, source = prepared(chain(tmp_path / "net.onnx"))
    shifts = mean_shifts(plain, source)
    (index,) = shifts
    assert plain.graph.nodes[index].name == "middle"
    before = differences(plain, source)
    assert shifts[index] == pytest.approx(before, abs=1e-5)
    after = differences(replace(plain, biases=corrected(plain.graph, shifts)), source)
    assert np.abs(after).max() < 1e-5 < np.abs(before).max()


def test_a_convolution_without_a_bias_gets_one(tmp_path):
    net = Net()
    first = net.relu(net.conv("image", (1, 16), name="first"))
    middle = net.relu(net.conv(first, (16, 16), name="middle", bias=False))
    net.conv(middle, (16, 1), side=1, name="logits")
    plain, source = prepared(net.save(tmp_path / "net.onnx", {"logits": [1, 1, 32, 32]}))
    biases = corrected(plain.graph, mean_shifts(plain, source))
    after = differences(replace(plain, biases=biases), source)
    assert np.abs(after).max() < 1e-5 < np.abs(differences(plain, source)).max()


def test_the_shift_is_a_mean_not_a_sum_over_frames(tmp_path):
    one, two = images(1), images(1)
    two.images = one.images * 2
    path = chain(tmp_path / "net.onnx")
    shifts = [mean_shifts(*prepared(path, feed)) for feed in (one, two)]
    for index, shift in shifts[0].items():
        assert shifts[1][index] == pytest.approx(shift, abs=1e-7)
