"""How a command ends: what stops it is said in one sentence, without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from sdk.errors import AngioEdgeError

INTERRUPTED = 130
"""128 and the number of the signal, as shells have it."""


@contextmanager
def one_sentence() -> Iterator[None]:
    """Ends the process where the block raises what a command is refused with.

    Exit codes: 1 for what the SDK or the system refuses, 130 for Ctrl-C, click's own for wrong
    usage. Click is to be called with ``standalone_mode=False``.
    """
    try:
        yield
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__cause__, EOFError):  # of a file; nobody is asked anything
            raise error.__cause__ from None
        _stop("interrupted", INTERRUPTED)
    except AngioEdgeError as error:
        _stop(str(error))
    except OSError as error:
        where = f"{error.filename} cannot be read or written: " if error.filename else ""
        _stop(f"{where}{error.strerror or error}")


def _stop(sentence: str, code: int = 1) -> None:
    click.echo(f"angioedge: {sentence}", err=True)
    sys.exit(code)
