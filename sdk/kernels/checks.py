"""Checks that the kernels' options share: what was expected, what came, what to do."""

import math


def check_fraction(name: str, value: float) -> None:
    """Refuses anything but a number from 0 to 1."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must be from 0 to 1, got {value}; give it as a fraction")


def check_positive(name: str, value: float, *, or_zero: bool = False) -> None:
    """Refuses anything but a finite number above zero, or zero where that has a meaning."""
    if not (math.isfinite(value) and (value > 0 or (or_zero and value == 0))):
        bound = "0 or more" if or_zero else "positive"
        raise ValueError(f"{name} must be finite and {bound}, got {value}; correct it")


def check_count(name: str, value: int | None) -> None:
    """Refuses a negative number of things."""
    if value is not None and value < 0:
        raise ValueError(f"{name} must be 0 or more, got {value}; leave it out for all")


def check_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuses any other word."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}; choose one")
