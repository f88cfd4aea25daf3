"""Writes phantom patients to calibrate with: of each a short run and a single frame, DICOM XA.

python samples/phantom_patients.py out/patients 12 24000000
"""

import sys
from pathlib import Path

import numpy as np

import sdk
from sdk.dicom.write_xa import XaInfo, write_xa

try:
    from training.phantoms.angiogram import phantom_frame
    from training.phantoms.run import Defect, RunOptions, phantom_run
except ModuleNotFoundError as missing:
    sys.exit(
        f"phantoms are made in the checkout, after 'make setup': no module {missing.name} here"
    )

FRAMES = 6
SIDE = 512


def main(folder: str, patients: str, first_seed: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for seed in range(int(first_seed), int(first_seed) + int(patients)):
        write_run(Path(folder) / f"run_{seed}.dcm", seed)
        write_single(Path(folder) / f"single_{seed}.dcm", seed)
    print(f"{folder}: {patients} phantom patients, a run of {FRAMES} frames and a single one each")


def write_run(path: Path, seed: int) -> None:
    """Arrival of the contrast in a native run whose last frame has a defect, bad or slight."""
    rng = np.random.default_rng(seed)
    axis = ("noise", "motion")[seed % 2]
    defect = Defect(axis=axis, severity=float(rng.uniform(0, 1)), first=0.8, last=1.0)
    run = phantom_run(seed, FRAMES, SIDE, RunOptions(mask_frames=1, defects=(defect,)))
    write_xa(path, run.pixels, XaInfo(bits_stored=12))


def write_single(path: Path, seed: int) -> None:
    """A frame with any of the defects, in every second file or so behind the mask to subtract."""
    frame = phantom_frame(seed, SIDE, grade=seed % 3)
    frames = frame.pixels[None]
    subtraction: tuple[sdk.MaskSubtraction, ...] = ()
    if frame.mask is not None:
        frames = np.stack([frame.mask, frame.pixels])
        first = sdk.MaskSubtraction(
            operation=sdk.MaskOperation.AVG_SUB, mask_frames=(0,), ranges=((1, 1),)
        )
        subtraction = (first,)
    bits = max(8, int(frames.max()).bit_length())
    intensity = sdk.Intensity(frame.relationship)
    info = XaInfo(bits_stored=bits, intensity=intensity, subtraction=subtraction)
    write_xa(path, frames, info)


if __name__ == "__main__":
    if any(given.startswith("-") for given in sys.argv[1:]):
        print(__doc__)
    elif len(sys.argv) != 4:
        sys.exit(f"expected a folder to write, a count and a seed, got {sys.argv[1:]}\n\n{__doc__}")
    else:
        main(*sys.argv[1:])
