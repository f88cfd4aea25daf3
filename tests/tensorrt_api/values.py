"""What is known about a value without running the code that makes it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Real:
    """A thing of the bindings itself: the module, a class, a member of an enumeration."""

    value: Any


@dataclass(frozen=True)
class Instance:
    """An object of a class of the bindings."""

    cls: type


@dataclass(frozen=True)
class Method:
    """A function of the bindings."""

    function: Any
    bound: bool


@dataclass(frozen=True)
class Absent:
    """An object of a class that this release lacks."""

    name: str


@dataclass(frozen=True)
class Ours:
    """An object of a class of the project."""

    name: str
    file: str


@dataclass(frozen=True)
class OurClass:
    name: str
    file: str


@dataclass(frozen=True)
class OurFunction:
    """A function or method of the project."""

    node: Any
    file: str


@dataclass(frozen=True)
class Literal:
    """A value that is known."""

    value: Any


@dataclass(frozen=True)
class Many:
    """A sequence of alike things."""

    item: Any


@dataclass(frozen=True)
class Each:
    """A tuple of different things."""

    items: tuple
