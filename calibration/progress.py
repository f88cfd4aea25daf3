"""Progress bars for whoever watches, nothing for whoever does not."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


class Track(Protocol):
    """Passes items on and shows how far they are."""

    def __call__(self, items: Sequence[Item], description: str) -> Iterable[Item]: ...


def silent(items: Sequence[Item], description: str) -> Iterable[Item]:  # noqa: ARG001
    """Shows nothing."""
    return items


class Bars:
    """One bar per loop, on the error stream."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    def __call__(self, items: Sequence[Item], description: str) -> Iterable[Item]:
        return track(items, description, console=self._console)
