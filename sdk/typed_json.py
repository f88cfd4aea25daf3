"""JSON into dataclasses: what does not fit their annotations is refused in one sentence."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")

WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    NoneType: "null",
    dict: "an object",
    list: "a list",
}
"""What JSON calls them."""


def parse(kind: type[Kind], content: Any, name: str) -> Kind:
    """What JSON holds as a dataclass, with everything in it.

    Annotations may be dataclasses, mappings with text keys, tuples, ``Any``, the types of JSON, and
    each of these or None.

    Args:
        kind: a dataclass.
        content: what `json.loads` gave.
        name: of the content, for messages.

    Raises:
        ValueError: a field is missing, unknown, or of another type; it says which.
    """
    given = _of(content, dict, name)
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]  # see above
    for key in given:
        if key not in known:
            raise ValueError(f"{name} has an unknown field {key}; known are {', '.join(known)}")
    for key, item in known.items():
        if key not in given and item.default is MISSING and item.default_factory is MISSING:
            raise ValueError(f"{name} has no {key}")
    hints = get_type_hints(kind)
    return kind(**{key: _value(hints[key], value, key) for key, value in given.items()})


def _value(hint: Any, content: Any, name: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return content
    if origin in {Union, UnionType}:
        (other,) = (argument for argument in arguments if argument is not NoneType)
        return None if content is None else _value(other, content, name)
    if isinstance(hint, type) and is_dataclass(hint):
        return parse(hint, content, name)
    if origin is Mapping:
        inside = _of(content, dict, name)
        return {key: _value(arguments[1], value, f"{name}.{key}") for key, value in inside.items()}
    if origin is tuple:
        return _tuple(arguments, _of(content, list, name), name)
    return _of(content, hint, name)


def _tuple(hints: tuple[Any, ...], content: list[Any], name: str) -> tuple[Any, ...]:
    if hints[-1] is Ellipsis:
        hints = hints[:1] * len(content)
    if len(hints) != len(content):
        raise ValueError(f"{name} must hold {len(hints)} entries, got {len(content)}")
    return tuple(_value(hint, value, name) for hint, value in zip(hints, content, strict=True))


def _of(content: Any, kind: type, name: str) -> Any:
    whole = kind is float and isinstance(content, int)  # JSON writes 1.0 as it likes
    fits = whole or isinstance(content, kind)
    if not fits or (isinstance(content, bool) and kind is not bool):
        got = WORDS.get(type(content), type(content).__name__)
        raise ValueError(f"{name} must be {WORDS[kind]}, got {got}")
    return content
