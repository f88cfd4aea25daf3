"""What keeps a graph off the DLA."""

from sketches import Sketch, is_silent, places


def relu(*shape: int) -> Sketch:
    sketch = Sketch()
    sketch.node("Relu", sketch.input(shape))
    return sketch


def test_the_dla_is_flat():
    volume, flat = Sketch(), Sketch()
    volume.conv(volume.input((1, 32, 4, 4, 4)), (32, 32, 1, 1, 1))
    flat.conv(flat.input())
    assert places("dla-volume", volume)
    assert not places("dla-volume", flat)
    assert is_silent("dla-volume", "tensorrt-10.13")
    assert is_silent("dla-volume", "ort-x86")


def test_the_dla_has_largest_extents():
    assert places("dla-extent", relu(4097, 1, 8, 8))
    assert places("dla-extent", relu(1, 1, 8, 8193))
    assert not places("dla-extent", relu(4096, 1, 8, 8192))


def test_old_dlas_read_no_pairs():
    sketch = Sketch()
    sketch.node("Relu", sketch.pair(sketch.input()))
    assert places("dla-quantised", sketch) == ["graph: holds Q/DQ"]
    assert not places("dla-quantised", relu(1, 1, 8, 8))
    assert is_silent("dla-quantised", "tensorrt-11.4")


def test_what_falls_back_is_noted():
    sketch = Sketch()
    sketch.node("Softmax", sketch.input())
    assert places("dla-fallback", sketch, "tensorrt-11.4")
    assert not places("dla-fallback", relu(1, 1, 8, 8), "tensorrt-11.4")
