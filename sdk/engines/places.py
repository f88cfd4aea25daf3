"""Where engines lie: beside the user's data, under everything that they are bound to."""

import hashlib
import json
import os
from pathlib import Path

from sdk.engines.sidecar import Machine

SHORT_KEY = 20


def default_cache() -> Path:
    """Where engines are kept unless told otherwise: the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "angioedge" / "engines"


def engine_folder(machine: Machine, cache: Path | None = None) -> Path:
    """Where the engines of one machine lie."""
    return (cache or default_cache()) / machine.label()


def short_key(content: object) -> str:
    """The beginning of the SHA-256 of something that JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:SHORT_KEY]
