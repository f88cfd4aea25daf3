"""Reads a recorded run and prints what the network says about every frame.

python samples/stream_run.py models/angiogram_quality run.dcm
"""

import sys

import sdk


def main(model: str, angiogram: str) -> None:
    with sdk.Session(model, task=sdk.AngiogramQuality) as session:
        for outcome in session.stream(sdk.read_xa(angiogram)):
            if outcome.answer is None:
                print(f"frame {outcome.frame.index}: {outcome.status.value}, {outcome.reason}")
                continue
            grade, vessels = outcome.answer.grade, outcome.answer.vessels
            print(
                f"frame {outcome.frame.index} at {outcome.frame.time_ms} ms: {grade.name.lower()}, "
                f"{vessels.count} trees of {vessels.area_px} px, {outcome.latency_ms:.1f} ms on "
                f"{outcome.backend}"
            )


if __name__ == "__main__":
    if any(given.startswith("-") for given in sys.argv[1:]):
        print(__doc__)
    elif len(sys.argv) != 3:
        sys.exit(f"expected a model folder and a run, got {sys.argv[1:]}\n\n{__doc__}")
    else:
        main(*sys.argv[1:])
