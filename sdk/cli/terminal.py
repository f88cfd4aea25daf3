"""The terminal: what is printed is shown as it is, square brackets too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text


def terminal(*, stderr: bool = False) -> Console:
    """Takes no markup from strings: they hold names of files and tensors, and ``pip`` extras."""
    return Console(stderr=stderr, markup=False)


def marked(text: str, style: str) -> Text:
    """Text in a colour or in bold, for `terminal`."""
    return Text(text, style=style)


def left_out(sentence: str) -> None:
    """Says on stderr what `sdk.open_runs` leaves out."""
    terminal(stderr=True).print(f"left out: {sentence}", highlight=False, soft_wrap=True)


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keeps what native code writes to standard error off the terminal, beside its real errors."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  a device, not a path
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
