"""Tests the software around a session without a network: recorded outputs are replayed.

python samples/without_network.py models/angiogram_quality
"""

import sys

import numpy as np

import sdk


def main(model: str) -> None:
    task = sdk.AngiogramQuality()
    vessels, grade = (np.zeros(spec.shape, spec.dtype) for spec in task.outputs)
    vessels[..., 200:210, 100:400] = 5.0  # logits: one horizontal vessel
    vessels[..., :200, :] = vessels[..., 210:, :] = -5.0
    grade[0, sdk.Grade.GOOD] = 5.0
    recorded = {"vessels": vessels, "grade": grade}

    backend = sdk.ReplayBackend(task.inputs, [recorded])
    pixels = np.random.default_rng(0).integers(0, 4096, (1024, 1024), np.uint16)
    frame = sdk.Frame(pixels=pixels, bits_stored=12, pixel_spacing_mm=(0.2, 0.2))
    with sdk.Session(model, task=sdk.AngiogramQuality, backend=backend) as session:
        answer = session(frame).require()
        print(f"{answer.grade.name.lower()}, {answer.vessels.area_mm2:.1f} mm2 of vessel")


if __name__ == "__main__":
    if any(given.startswith("-") for given in sys.argv[1:]):
        print(__doc__)
    elif len(sys.argv) != 2:
        sys.exit(f"expected the folder of a model, got {sys.argv[1:]}\n\n{__doc__}")
    else:
        main(*sys.argv[1:])
