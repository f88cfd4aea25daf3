"""Additions that join a convolution and a shortcut."""

from sketches import Sketch, places

RULES = ("float-shortcut", "quantised-branch")


def residual(*, branch: bool, shortcut: bool) -> Sketch:
    """Relu(conv(x) + x), with pairs on the branches that are named."""
    sketch = Sketch()
    image = sketch.input()
    convolved = sketch.integer_conv(image)
    other = sketch.pair(image, 0.2) if shortcut else image
    sketch.node("Relu", sketch.node("Add", sketch.pair(convolved) if branch else convolved, other))
    return sketch


def test_the_shortcut_alone_is_quantised():
    assert not any(places(rule, residual(branch=False, shortcut=True)) for rule in RULES)


def test_a_float_shortcut_is_found():
    sketch = residual(branch=False, shortcut=False)
    assert places("float-shortcut", sketch) == ["Add_5: joins Conv_4 and a float tensor"]
    assert not places("quantised-branch", sketch)


def test_a_quantised_branch_is_found():
    sketch = residual(branch=True, shortcut=True)
    assert places("quantised-branch", sketch) == ["Add_9: Q/DQ behind Conv_4"]
    assert not places("float-shortcut", sketch)


def test_one_of_two_convolutions_is_the_shortcut():
    def projected(*, paired):
        sketch = Sketch()
        image = sketch.input()
        shortcut = sketch.integer_conv(image)
        sketch.node(
            "Add", sketch.integer_conv(image), sketch.pair(shortcut) if paired else shortcut
        )
        return sketch

    assert not any(places(rule, projected(paired=True)) for rule in RULES)
    assert places("float-shortcut", projected(paired=False))


def test_a_bias_is_no_shortcut():
    sketch = Sketch()
    sketch.node("Add", sketch.integer_conv(sketch.input()), sketch.weight(1.0))
    assert not places("float-shortcut", sketch)
