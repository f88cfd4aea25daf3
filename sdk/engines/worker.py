"""The process that builds one engine: fresh, without torch, so that memory is there for building.

It reads a request from its input and ends when that is closed. It says how far it is on the file
descriptor it was given, and writes what it built under names that nobody else reads yet. What
TensorRT says goes to its output.
"""

import hashlib
import json
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from sdk.engines.builder import Built, Order, build
from sdk.engines.library import Messages
from sdk.engines.options import BuildOptions
from sdk.engines.progress import Progress
from sdk.engines.recipe import Recipe
from sdk.engines.toolkit import Toolkit, open_toolkit
from sdk.errors import AngioEdgeError, EngineError


def main() -> None:
    """Builds what is asked for; the exit code is 1 where that fails and the reason was told."""
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_asker, daemon=True).start()
    with open(int(sys.argv[1]), "w", encoding="utf-8") as channel:  # noqa: PTH123  a descriptor
        try:
            _tell(channel, built=_serve(request, channel))
        except (AngioEdgeError, OSError) as error:
            _tell(channel, failed=str(error))
            sys.exit(1)


def _end_with_the_asker() -> None:
    """Nobody would take what is built: a build of minutes must not outlive whoever asked for it."""
    os.read(sys.stdin.fileno(), 1)  # returns when the other end is closed, however that came about
    os._exit(1)


def _serve(request: dict[str, Any], channel: TextIO) -> dict[str, Any]:
    order = Order(
        graph=_read(Path(request["graph"]), request["graph_sha256"]),
        recipe=Recipe(**request["recipe"] | {"flags": tuple(request["recipe"]["flags"])}),
        options=BuildOptions(**request["options"]),
        timing_cache=_timing_cache(request),
    )

    def watch(progress: Progress) -> None:
        _tell(channel, progress=asdict(progress))

    toolkit = open_toolkit()
    start = time.monotonic()
    built = build(toolkit, order, Messages(sys.stderr), watch)
    Path(request["plan_out"]).write_bytes(built.plan)
    Path(request["timing_out"]).write_bytes(built.timing_cache)
    return _described(built, toolkit) | {"build_s": round(time.monotonic() - start, 3)}


def _described(built: Built, toolkit: Toolkit) -> dict[str, Any]:
    return {
        "machine": asdict(toolkit.machine()),
        "plan_sha256": hashlib.sha256(built.plan).hexdigest(),
        "timing_sha256": hashlib.sha256(built.timing_cache).hexdigest(),
        "began_anew": built.began_anew,
        "tensors": [asdict(tensor) for tensor in built.tensors],
    }


def _timing_cache(request: dict[str, Any]) -> bytes:
    path = request["timing_cache"]
    return _read(Path(path), request["timing_cache_sha256"]) if path else b""


def _read(path: Path, sha256: str) -> bytes:
    """The bytes that are used are those that were hashed."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EngineError(f"{path} was altered while its engine was about to be built; build again")
    return content


def _tell(channel: TextIO, **event: Any) -> None:
    channel.write(json.dumps(event) + "\n")
    channel.flush()


if __name__ == "__main__":
    main()
