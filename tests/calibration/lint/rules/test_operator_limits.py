"""Known operators in forms that TensorRT does not take, or takes badly."""

import numpy as np
from sketches import Sketch, places


def resize(*, computed: bool = False, opset: int = 18, **attributes) -> Sketch:
    sketch = Sketch(opset)
    image = sketch.input()
    scales = sketch.weight([1, 1, 2, 2])
    if computed:
        scales = sketch.node("Abs", scales)
    sketch.node("Resize", image, "", scales, **attributes)
    return sketch


def test_resize_is_nearest_or_linear_and_not_antialiased():
    assert places("resize-mode", resize(mode="cubic")) == ["Resize_0: mode cubic"]
    assert places("resize-mode", resize(mode="linear", antialias=1)) == ["Resize_0: antialias"]
    assert not places("resize-mode", resize(mode="linear"))
    assert not places("resize-mode", resize())


def test_resize_wants_a_size_that_is_known():
    assert places("resize-of-computed-size", resize(computed=True)) == ["Resize_1: computed scales"]
    assert not places("resize-of-computed-size", resize())


def grid_sample(*extents: int) -> Sketch:
    sketch = Sketch(20)
    grid = sketch.input((1, *extents, len(extents)))
    sketch.node("GridSample", sketch.input((1, 2, *extents)), grid)
    return sketch


def test_volumes_are_not_sampled():
    assert places("grid-sample-of-volumes", grid_sample(4, 4, 4))
    assert not places("grid-sample-of-volumes", grid_sample(4, 4))


def layer_norm(outputs: int) -> Sketch:
    sketch = Sketch()
    tensor = sketch.input((1, 4, 8))
    return sketch.output(
        *sketch.several("LayerNormalization", tensor, sketch.weight(np.ones(8)), outputs=outputs)
    )


def test_layer_norm_gives_one_output():
    assert places("layer-norm-statistics", layer_norm(2))
    assert not places("layer-norm-statistics", layer_norm(1))


def pool(*extents: int, outputs: int = 1, **attributes) -> Sketch:
    sketch = Sketch()
    tensor = sketch.input((1, 2, *extents))
    window = {"kernel_shape": [2] * len(extents), **attributes}
    return sketch.output(sketch.several("MaxPool", tensor, outputs=outputs, **window)[0])


def test_pools_have_two_or_three_axes_and_no_dilation():
    assert places("pool-form", pool(8)) == ["MaxPool_0: MaxPool of 3 axes, expected 4 or 5"]
    assert places("pool-form", pool(8, 8, dilations=[2, 2]))
    assert not places("pool-form", pool(8, 8, dilations=[1, 1]))
    assert not places("pool-form", pool(8, 8, 8))


def test_pools_give_no_indices():
    assert places("max-pool-indices", pool(8, 8, outputs=2))
    assert not places("max-pool-indices", pool(8, 8))


def convolved(side: int) -> Sketch:
    sketch = Sketch()
    sketch.conv(sketch.input((1, 1, side, side, side)), (32, 1, 1, 1, 1))
    return sketch


def test_a_tensor_of_a_convolution_has_an_end():
    found = places("tensor-too-large", convolved(512))
    assert found == ["Conv_0: Conv_0_0 has 4294967296 elements"]
    assert not places("tensor-too-large", convolved(256))


def transposed(**attributes) -> Sketch:
    sketch = Sketch()
    sketch.conv(sketch.input(), (32, 8, 2, 2), "ConvTranspose", strides=[2, 2], **attributes)
    return sketch


def test_output_padding_breaks_the_fusion():
    assert places("output-padding", transposed(output_padding=[1, 1]))
    assert not places("output-padding", transposed(output_padding=[0, 0]))
    assert not places("output-padding", transposed())
