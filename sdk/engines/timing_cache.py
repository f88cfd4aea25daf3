"""TensorRT's measurements of kernels, kept per machine and pinned by their hash."""

import hashlib
import json
from pathlib import Path

from sdk.engines.files import write_engine_file

NAME = "timing.cache"


def pinned_sha256(folder: Path) -> str:
    """Hash of the timing cache in a folder; empty where there is none that can be trusted.

    A cache steers which kernels a build takes. One whose bytes are not those that a build of ours
    wrote is passed over: the build measures again.
    """
    try:
        pinned = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))["sha256"]
        content = (folder / NAME).read_bytes()
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(pinned) if hashlib.sha256(content).hexdigest() == pinned else ""


def pin(folder: Path, content: bytes) -> None:
    """Keeps a timing cache; between its two files an older pin no longer fits, and is passed over.

    Raises:
        EngineError: it cannot be written.
    """
    write_engine_file(folder / NAME, content)
    digest = {"sha256": hashlib.sha256(content).hexdigest()}
    write_engine_file(folder / f"{NAME}.json", (json.dumps(digest) + "\n").encode())
