"""The terminal: what is printed is shown as it is, square brackets too."""

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
