"""Lists of names, short enough for a message."""

from collections.abc import Sequence

MOST_NAMED = 5


def some(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
