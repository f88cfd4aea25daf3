"""Pushes a recorded run at its own pace, as a scanner does, and prints what becomes of each frame.

python samples/live_run.py models/angiogram_quality run.dcm 100

The last number is the deadline of a frame in milliseconds.
"""

import sys
import threading
import time
from pathlib import Path

import sdk


def push_at_its_pace(live: sdk.Live[sdk.QualityAnswer], frames: list[sdk.Frame]) -> None:
    """Stands in for the scanner: it waits for the next frame, and never for an answer."""
    begin = time.perf_counter()
    try:
        for frame in frames:
            due_s = (frame.time_ms or 0.0) / 1000
            time.sleep(max(0.0, begin + due_s - time.perf_counter()))
            live.push(frame)
    finally:  # whoever reads the outcomes would wait for ever
        live.finish()


def main(model: str, angiogram: str, deadline_ms: float) -> None:
    frames = list(sdk.read_xa(Path(angiogram)))
    with sdk.Session(model, task=sdk.AngiogramQuality) as session:
        live = session.live(deadline_ms=deadline_ms)
        scanner = threading.Thread(target=push_at_its_pace, args=(live, frames))
        scanner.start()
        for outcome in live:
            grade = "" if outcome.answer is None else f", {outcome.answer.grade.name.lower()}"
            why = f", {outcome.reason}" if outcome.reason else ""
            print(
                f"frame {outcome.frame.index}: {outcome.status.value}{grade}, "
                f"{outcome.latency_ms:.1f} ms{why}"
            )
        scanner.join()
        told = (f"{count} {status.value}" for status, count in live.ledger.ended.items())
        print(f"{live.ledger.pushed} frames: {', '.join(told)}")


if __name__ == "__main__":
    if any(given.startswith("-") for given in sys.argv[1:]):
        print(__doc__)
    elif len(sys.argv) != 4:
        sys.exit(f"expected a model folder, a run and a deadline, got {sys.argv[1:]}\n\n{__doc__}")
    else:
        main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
