"""``angioedge train | export | import | calibrate | lint``: what needs the workstation."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

NEEDS = {"calibration": ("onnx",), "export": ("onnx",), "training": ("onnx", "torch")}
"""Package of this project -> what it cannot do without, and the demo alone does not install."""
SIGNALLED = 128
"""What shells add to the number of the signal that ended a process."""
PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}


@click.command("import", context_settings=PASS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def import_network(arguments: tuple[str, ...]) -> None:
    """Make a model folder from your own ONNX network (workstation)."""
    _run_module("export", ("import", *arguments))


@click.command(context_settings=PASS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def export(arguments: tuple[str, ...]) -> None:
    """Make a model folder from a trained checkpoint (workstation)."""
    _run_module("export", arguments)


@click.command(context_settings=PASS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def train(arguments: tuple[str, ...]) -> None:
    """Train a network from its recipe (workstation)."""
    _run_module("training", arguments)


@click.command(context_settings=PASS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def calibrate(arguments: tuple[str, ...]) -> None:
    """Add INT8 graphs to a model folder (workstation)."""
    _run_module("calibration", ("calibrate", *arguments))


@click.command(context_settings=PASS_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def lint(arguments: tuple[str, ...]) -> None:
    """Say what a target would refuse or run slowly in an ONNX graph (workstation)."""
    _run_module("calibration", ("lint", *arguments))


def _run_module(module: str, arguments: tuple[str, ...]) -> None:
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / module / "__main__.py").is_file():
        raise click.ClickException(
            f"this is the device's part of angioedge; {module} lives in the source checkout: clone "
            "the repository, run 'make setup', and call this command from there"
        )
    missing = [name for name in NEEDS[module] if find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"{module} needs the workstation's part, {' and '.join(missing)} is missing here: run "
            "'make setup' in the checkout"
        )
    command = [sys.executable, "-m", module, *arguments]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    sys.exit(_ended(subprocess.Popen(command, env=environment)))  # noqa: S603


def _ended(process: "subprocess.Popen[bytes]") -> int:
    """The exit code of a process; Ctrl-C reaches it too, and it is given the time to end itself."""
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            continue
        return code if code >= 0 else SIGNALLED - code
