"""The progress bar of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from typing_extensions import Self

if TYPE_CHECKING:
    from types import TracebackType


class Progress:
    """Shows the part done, the time left, and the latest numbers."""

    def __init__(self, *, shown: bool = True) -> None:
        """Takes whether it is this process that shows anything."""
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(quiet=not shown),
            refresh_per_second=1,
        )
        self._task = self._bar.add_task("training", total=1.0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def update(self, done: float, numbers: dict[str, float]) -> None:
        """Show the fraction done and named numbers."""
        text = " ".join(
            f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in numbers.items()
        )
        self._bar.update(self._task, completed=min(done, 1.0), description=text)

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(text)
