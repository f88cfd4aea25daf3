"""What stops a command is one sentence and an exit code."""

import click
import pytest

from sdk.cli.ending import one_sentence
from sdk.errors import FrameError


def aborted(cause):
    """What click raises in the place of Ctrl-C and of an end of a file."""
    error = click.Abort()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("raised", "code", "sentence"),
    [
        (FrameError("no frame"), 1, "angioedge: no frame\n"),
        (KeyboardInterrupt(), 130, "angioedge: interrupted\n"),
        (aborted(KeyboardInterrupt()), 130, "angioedge: interrupted\n"),
        (
            PermissionError(13, "Permission denied", "out/answers"),
            1,
            "angioedge: out/answers cannot be read or written: Permission denied\n",
        ),
        (OSError(28, "No space left on device"), 1, "angioedge: No space left on device\n"),
        (OSError("no VP8 encoder"), 1, "angioedge: no VP8 encoder\n"),
        (click.ClickException("cannot be"), 1, "Error: cannot be\n"),
        (click.UsageError("what?"), 2, "Error: what?\n"),
    ],
)
def test_what_is_refused_is_said(raised, code, sentence, capsys):
    with pytest.raises(SystemExit) as stop, one_sentence():
        raise raised
    assert stop.value.code == code
    assert capsys.readouterr().err.endswith(sentence)


@pytest.mark.parametrize("error", [ValueError("a mistake of ours"), EOFError("the file ended")])
def test_what_nobody_foresaw_keeps_its_traceback(error):
    raised = aborted(error) if isinstance(error, EOFError) else error
    with pytest.raises(type(error)), one_sentence():
        raise raised
