"""Checks that the kernels' options share: what was expected, what came, what to do."""

import math
from collections.abc import Callable
from numbers import Real
from operator import index
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

HIGHEST_INT = 2**31 - 1  # of the kernels
LEAST_FLOAT32 = 2.0**-126  # that every device tells from zero
HIGHEST_FLOAT32 = float(np.finfo(np.float32).max)


def check_number(name: str, value: float) -> None:
    """Refuses what is not a real number."""
    if not isinstance(value, (int, float, Real)):  # the first two at once, without asking the ABC
        raise TypeError(f"{name} must be a number, got {value!r}; convert it explicitly")


def check_integer(name: str, value: int) -> None:
    """Refuses what is not a whole number by its type."""
    try:
        index(value)
    except TypeError:
        raise TypeError(
            f"{name} must be an integer, got {value!r}; convert it explicitly"
        ) from None


def check_flag(name: str, value: object) -> None:
    """Refuses anything but true and false."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}; convert it explicitly")


def check_fraction(name: str, value: float) -> None:
    """Refuses anything but a number from 0 to 1."""
    check_number(name, value)
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must be from 0 to 1, got {value}; give it as a fraction")


def check_positive(name: str, value: float, *, or_zero: bool = False) -> None:
    """Refuses anything but a finite number above zero, or zero where that has a meaning."""
    check_number(name, value)
    if not (math.isfinite(value) and (value > 0 or (or_zero and value == 0))):
        bound = "0 or more" if or_zero else "positive"
        raise ValueError(f"{name} must be finite and {bound}, got {value}; correct it")


def check_float32(name: str, value: float) -> None:
    """Refuses what float32 makes infinite, or that rounds to zero although it is not zero."""
    check_number(name, value)
    if value != 0 and not LEAST_FLOAT32 <= abs(value) <= HIGHEST_FLOAT32:
        raise ValueError(
            f"{name} must be 0 or {LEAST_FLOAT32:.2g} to {HIGHEST_FLOAT32:.2g} in size, as float32 "
            f"holds it, got {value}; choose another unit"
        )


def check_window(low: float, high: float, *, levels: int = 1) -> None:
    """Refuses a window of no width, and one that float32 cannot stretch over so many levels."""
    check_number("low", low)
    check_number("high", high)
    if low == high or not math.isfinite(high - low):
        raise ValueError(
            f"low and high must be two different finite values, got {low} and {high}; widen the "
            "window of a uniform frame"
        )
    check_float32("low", low)
    check_float32(f"{levels} / (high - low)", levels / (high - low))


def check_count(name: str, value: int | None) -> None:
    """Refuses a negative number of things, and more than the kernels can count."""
    if value is None:
        return
    check_integer(name, value)
    if not 0 <= value <= HIGHEST_INT:
        raise ValueError(
            f"{name} must be 0 or more and below 2^31, got {value}; leave it out for all"
        )


def check_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuses any other word."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}; choose one")


def tuple_of(
    name: str, values: Any, check: Callable[[str, Any], None], *, count: int | None = None
) -> tuple[Any, ...]:
    """The values of a sequence, array or generator, each checked; refuses any other count."""
    try:
        found = tuple(values)
    except TypeError:
        raise TypeError(f"{name} must be a sequence, got {values!r}; list its values") from None
    if count is not None and len(found) != count:
        raise ValueError(f"{name} must have {count} values, got {found}; give one each")
    for value in found:
        check(name, value)
    return found


def given_or_new(workspace: T | None, kind: type[T]) -> T:
    """The caller's workspace, or one for this call."""
    if workspace is None:
        return kind()
    if not isinstance(workspace, kind):
        raise TypeError(
            f"workspace must be a {kind.__name__} or None, got {type(workspace).__name__}; "
            "make one, and keep it for the next call"
        )
    return workspace
