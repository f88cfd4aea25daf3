"""Attention: two matrix products around a softmax."""

import pytest
from sketches import Sketch, places

QUANTISED = "quantised-attention"


def attention(
    head: int = 32, tokens: int = 64, *, pairs: str = "queries keys weights values result"
) -> Sketch:
    """Scaled attention of two heads with pairs where named."""
    sketch = Sketch()

    def tensor(name, source):
        return sketch.pair(source) if name in pairs else source

    queries = tensor("queries", sketch.input((1, 2, tokens, head)))
    keys = tensor("keys", sketch.input((1, 2, head, tokens)))
    scores = sketch.node("Mul", sketch.node("MatMul", queries, keys), sketch.weight(0.2))
    weights = tensor("weights", sketch.node("Softmax", scores))
    values = tensor("values", sketch.input((1, 2, tokens, head)))
    sketch.node("Relu", tensor("result", sketch.node("MatMul", weights, values)))
    return sketch


def test_attention_within_the_limits_of_the_fused_kernel_is_fine():
    assert not places(QUANTISED, attention())
    assert not places(QUANTISED, attention(pairs=""))


@pytest.mark.parametrize(
    ("sketch", "unmet"),
    [
        (attention(head=24), "24 channels per head"),
        (attention(tokens=1024), "1024 x 1024 tokens"),
        (attention(pairs="queries keys values result"), "an input of the second product"),
        (attention(pairs="queries weights values result"), "an input of the first product"),
        (attention(pairs="queries keys weights values"), "no Q behind the second product"),
    ],
)
def test_every_unmet_condition_is_named(sketch, unmet):
    found = places(QUANTISED, sketch)
    assert len(found) == 1
    assert unmet in found[0]


def test_8_6_has_no_integer_attention():
    assert places(QUANTISED, attention(), "tensorrt-8.6")
    assert not places(QUANTISED, attention(pairs=""), "tensorrt-8.6")


@pytest.mark.parametrize(("head", "fits"), [(8, False), (16, True), (20, False), (256, True)])
def test_heads_have_a_width_that_fuses(head, fits):
    assert bool(places("attention-head", attention(head, pairs=""))) is not fits
