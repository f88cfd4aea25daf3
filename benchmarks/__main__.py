"""``python -m benchmarks``: kernels and session beside their peers, as tables and JSON."""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import metadata
from math import isnan
from pathlib import Path
from typing import Any

from benchmarks import (
    bench_boxes,
    bench_centreline,
    bench_components,
    bench_drawing,
    bench_frame,
    bench_regions,
    bench_registration,
    bench_sequence,
    bench_session,
    bench_tiles,
    int8,
    memory,
)
from benchmarks.timing import Row, print_table
from sdk import _native
from sdk.machine import cores, processor

FAMILIES: Mapping[str, Callable[[], list[Row]]] = {
    "frame": bench_frame.rows,
    "registration": bench_registration.rows,
    "drawing": bench_drawing.rows,
    "components": bench_components.rows,
    "boxes": bench_boxes.rows,
    "regions": bench_regions.rows,
    "tiles": bench_tiles.rows,
    "centreline": bench_centreline.rows,
    "session": bench_session.rows,
}


def _volume(arguments: Sequence[str]) -> None:
    from benchmarks import volume  # needs torch

    volume.main(arguments)


STUDIES: Mapping[str, Callable[[Sequence[str]], None]] = {
    "int8": int8.main,
    "memory": memory.main,
    "sequence": bench_sequence.main,
    "volume": _volume,
}
"""With tables and options of their own; measured when they are asked for by name."""
PEERS = (
    "numpy",
    "scipy",
    "opencv-python-headless",
    "connected-components-3d",
    "fill-voids",
    "scikit-image",
    "ensemble-boxes",
    "kornia-rs",
    "monai",
    "torch",
    "onnxruntime",
)


def main() -> None:
    """Measures the families asked for, prints their tables and writes JSON."""
    if sys.argv[1:2] and sys.argv[1] in STUDIES:
        STUDIES[sys.argv[1]](sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("family", nargs="*", help=f"of {', '.join(FAMILIES)} [default: all]")
    parser.epilog = f"{' and '.join(STUDIES)} have options of their own, see their --help"
    parser.add_argument("--json", type=Path, default=Path("out/benchmark.json"))
    parser.add_argument("--markdown", type=Path, help="also write the tables as a document")
    options = parser.parse_args()
    unknown = set(options.family) - set(FAMILIES)
    if unknown:
        parser.error(f"there is no family {', '.join(sorted(unknown))}, only {', '.join(FAMILIES)}")
    machine = describe_machine()
    print("; ".join(f"{key}: {value}" for key, value in machine.items()), end="\n\n")
    tables: dict[str, list[Row]] = {}
    for name in options.family or FAMILIES:
        tables[name] = measure(name)
        write_json(options.json, machine, tables)
        if options.markdown:
            write_markdown(options.markdown, machine, tables)
    missed = [row.job for rows in tables.values() for row in rows if misses(row)]
    print(f"\nwritten to {options.json}; below target: {', '.join(missed) or 'none'}")


def measure(family: str) -> list[Row]:
    """Measures and prints one family."""
    print(f"## {family}\n", flush=True)
    rows = FAMILIES[family]()
    print_table(rows)
    print(flush=True)
    return rows


def misses(row: Row) -> bool:
    """Whether a row stays below its target."""
    return row.target is not None and row.gain < row.target


def describe_machine() -> dict[str, str]:
    """What the numbers were measured on and against."""
    installed = {
        item.name.lower().replace("_", "-"): item.version for item in metadata.distributions()
    }
    versions = {name: installed.get(name, "missing") for name in PEERS}
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "processor": f"{processor()}, {cores()} cores",
        "instruction set": _native.cpu_target(),
        "threads": "1 for every contestant, the backend's own in the session rows",
        "python": platform.python_version(),
        "peers": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def write_json(path: Path, machine: dict[str, str], tables: Mapping[str, Sequence[Row]]) -> None:
    """Writes machine and rows; a missing peer is null."""
    content: dict[str, Any] = {"machine": machine}
    for family, rows in tables.items():
        content[family] = [asdict(row) | {"gain": row.gain} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_without_nan(content), indent=1) + "\n", encoding="utf-8")


def write_markdown(
    path: Path, machine: dict[str, str], tables: Mapping[str, Sequence[Row]]
) -> None:
    """Writes machine and tables as a document."""
    with path.open("w", encoding="utf-8") as file, redirect_stdout(file):
        print("# Benchmarks\n\nOurs and the peers' in one run, interleaved, medians. Reprinted by")
        print("`make bench`; a gain is the best peer's time divided by ours. Rows of frames after")
        print("each other are not interleaved: ours run together, then the peers'. The target is")
        print("the gain that the project aims at, the goal what a session may take beside the")
        print("network; rows that miss theirs are left as they are.\n")
        for key, value in machine.items():
            print(f"* {key}: {value}")
        for family, rows in tables.items():
            print(f"\n## {family}\n")
            print_table(rows)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and isnan(value) else value


if __name__ == "__main__":
    main()
