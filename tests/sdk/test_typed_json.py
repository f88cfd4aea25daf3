"""JSON becomes a dataclass, or one sentence says why not."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from sdk.typed_json import parse


@dataclass(frozen=True, kw_only=True)
class Inner:
    number: float
    pair: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Outer:
    text: str
    inner: Inner
    several: tuple[Inner, ...] = ()
    named: Mapping[str, Inner] = field(default_factory=dict)
    maybe: int | None = None
    anything: Any = None
    flag: bool = False


WHOLE = {
    "text": "a",
    "inner": {"number": 1, "pair": [2, 3]},
    "several": [{"number": 0.5}],
    "named": {"x": {"number": 2.5}},
    "maybe": 4,
    "anything": {"as": ["it", "is"]},
    "flag": True,
}


def test_what_fits_comes_back():
    found = parse(Outer, WHOLE, "record")
    assert found.inner == Inner(number=1, pair=(2, 3))
    assert found.several == (Inner(number=0.5),)
    assert asdict(found.named["x"]) == {"number": 2.5, "pair": (0, 0)}
    assert (found.maybe, found.flag) == (4, True)
    assert found.anything == {"as": ["it", "is"]}


def test_what_has_a_default_may_be_left_out_and_null_may_be_none():
    found = parse(Outer, {"text": "a", "inner": {"number": 1}, "maybe": None}, "record")
    assert (found.several, found.maybe, found.flag) == ((), None, False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": 3}, "text must be a text, got a whole number"),
        ({"inner": None}, "inner must be an object, got null"),
        ({"inner": {}}, "inner has no number"),
        ({"inner": {"number": "1"}}, "number must be a number, got a text"),
        ({"inner": {"number": True}}, "number must be a number, got true or false"),
        ({"inner": {"number": 1, "pair": [1]}}, "pair must hold 2 entries, got 1"),
        ({"inner": {"number": 1, "pair": [1, 2.5]}}, "pair must be a whole number, got a number"),
        ({"several": {"number": 1}}, "several must be a list, got an object"),
        ({"named": {"x": 1}}, "named.x must be an object, got a whole number"),
        ({"maybe": "4"}, "maybe must be a whole number, got a text"),
        ({"flag": 1}, "flag must be true or false, got a whole number"),
        ({"colour": "red"}, "record has an unknown field colour; known are text, inner"),
    ],
)
def test_what_does_not_fit_is_named(change, said):
    with pytest.raises(ValueError) as error:  # noqa: PT011  compared whole below
        parse(Outer, WHOLE | change, "record")
    assert said in str(error.value)


@pytest.mark.parametrize("content", [None, [], "text", 3])
def test_what_is_no_object_is_refused(content):
    with pytest.raises(ValueError, match="record must be an object"):
        parse(Outer, content, "record")
