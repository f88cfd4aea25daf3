"""The command ``angioedge``; one subcommand is one file."""

import sys

import click

from sdk.cli.build import build
from sdk.cli.doctor import doctor
from sdk.cli.ending import one_sentence
from sdk.cli.info import info
from sdk.cli.layers import layers
from sdk.cli.profile import profile
from sdk.cli.qualify import qualify
from sdk.cli.run import run
from sdk.cli.tune import tune
from sdk.cli.workstation import calibrate, export, import_network, lint, train

__all__ = ["COMMANDS", "main"]

COMMANDS = (
    run,
    profile,
    tune,
    info,
    doctor,
    build,
    qualify,
    layers,
    import_network,
    export,
    train,
    calibrate,
    lint,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="angioedge", prog_name="angioedge")
def angioedge() -> None:
    """Cerebrovascular imaging networks, frame by frame, beside the scanner.

    Exit codes: 0 done, 1 it could not be done and the reason was said, 2 wrong usage, 130
    interrupted.
    """


for _command in COMMANDS:
    angioedge.add_command(_command)


def main() -> None:
    """Runs the command line; what the SDK refuses is said in one sentence, without a traceback."""
    with one_sentence():
        sys.exit(angioedge(standalone_mode=False))
