"""``python -m calibration``: one subcommand is one function of its arguments and an exit code."""

import argparse
import sys
from collections.abc import Callable

from calibration.lint.command import lint_command
from sdk.errors import AngioEdgeError

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "lint": lint_command,
}


def main() -> None:
    """Runs the command line; what is refused is said in one sentence."""
    parser = argparse.ArgumentParser(prog="angioedge", description="INT8 (workstation).")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    call = parser.parse_args()
    try:
        sys.exit(COMMANDS[call.command](call.arguments))
    except AngioEdgeError as error:
        print(f"angioedge: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    main()
