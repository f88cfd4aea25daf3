"""Runs the process that builds: hands over the request, passes progress on, names what ended it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from sdk.engines.progress import Progress, Watch
from sdk.errors import EngineError


def run_worker(request: Mapping[str, Any], log: Path, watch: Watch) -> dict[str, Any]:
    """Builds one engine in a process of its own.

    Args:
        request: as `sdk.engines.worker` reads it.
        log: takes everything that TensorRT says.
        watch: is told how far the build is.

    Raises:
        EngineError: the build failed, or the process ended without a word.
    """
    receiver, sender = os.pipe()
    with log.open("wb") as output, os.fdopen(receiver, encoding="utf-8") as channel:
        try:
            process = _start(sender, output, log.parent)
        finally:
            os.close(sender)
        with _killed_on_the_way_out(process):
            _hand_over(process, request)
            last = _listen(channel, watch)
            status = process.wait()
    if "built" in last:
        return dict(last["built"])
    raise EngineError(f"{last.get('failed') or _end_of(status)}; see {log}")


def _start(sender: int, output: IO[bytes], folder: Path) -> "subprocess.Popen[bytes]":
    """Starts in the engines' own folder: Python imports from where it starts."""
    package_root = str(Path(__file__).resolve().parents[2])
    paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "sdk.engines.worker", str(sender)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=(sender,),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )


@contextmanager
def _killed_on_the_way_out(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Whoever interrupts a build must not leave it running."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        with suppress(BrokenPipeError):
            _input_of(process).close()


def _input_of(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    assert process.stdin is not None  # noqa: S101  it was asked for as a pipe
    return process.stdin


def _hand_over(process: "subprocess.Popen[bytes]", request: Mapping[str, Any]) -> None:
    """One line; the pipe stays open, and the process that builds ends when it is closed."""
    with suppress(BrokenPipeError):  # it ended before it read; how, is told by its status
        _input_of(process).write(json.dumps(request).encode() + b"\n")
        _input_of(process).flush()


def _listen(channel: IO[str], watch: Watch) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for line in channel:
        try:
            last = json.loads(line)
        except ValueError:  # cut off where the process was killed
            break
        if "progress" in last:
            watch(Progress(**last["progress"]))
    return last


def _end_of(status: int) -> str:
    if status == -signal.SIGKILL:
        return (
            "the building process was killed, most likely for want of memory; close other "
            "programs, add swap, or lower --workspace-mib and --level"
        )
    if status < 0:
        return f"the building process ended by {signal.Signals(-status).name}"
    return f"the building process ended with exit code {status} and gave no reason"
