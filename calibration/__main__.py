"""``python -m calibration``: one subcommand is one function of its arguments."""

import sys
from collections.abc import Callable, Sequence

from calibration.calibrate import main as calibrate

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {"calibrate": calibrate}


def main(arguments: Sequence[str]) -> int:
    """Runs a subcommand and returns its exit code: 0 done, 1 refused, 2 wrong usage."""
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python -m calibration {{{','.join(COMMANDS)}}} ...", file=sys.stderr)  # noqa: T201
        return 2
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
