"""``python -m calibration``: one subcommand is one function of its arguments and an exit code."""

import argparse
import sys
from collections.abc import Callable

from calibration.calibrate import main as calibrate
from calibration.lint.command import lint_command
from sdk.cli.ending import one_sentence
from sdk.errors import AngioEdgeError

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "calibrate": calibrate,
    "lint": lint_command,
}


def main(arguments: list[str]) -> int:
    """Runs a subcommand; returns 0 if it is done, 1 if it was refused, in one sentence."""
    parser = argparse.ArgumentParser(prog="angioedge", description="INT8 (workstation).")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    call = parser.parse_args(arguments)
    try:
        return COMMANDS[call.command](call.arguments)
    except AngioEdgeError as error:
        print(f"angioedge: {error}", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    with one_sentence():
        sys.exit(main(sys.argv[1:]))
