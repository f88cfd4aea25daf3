"""Writes phantom arterial phases to calibrate with or to look at, each with its mask, DICOM XA.

python samples/phantom_sequences.py out/sequences 8 24000000
"""

import sys
from pathlib import Path

import sdk
from sdk.dicom.write_xa import XaInfo, write_xa

try:
    from training.phantoms.artery_sequence import FRAME_TIME_MS, phantom_sequence
except ModuleNotFoundError as missing:
    sys.exit(
        f"phantoms are made in the checkout, after 'make setup': no module {missing.name} here"
    )

SIDE = 512


def main(folder: str, count: str, first_seed: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for seed in range(int(first_seed), int(first_seed) + int(count)):
        run = phantom_sequence(seed, SIDE)
        mask = sdk.MaskSubtraction(operation=sdk.MaskOperation.AVG_SUB, mask_frames=(0,))
        info = XaInfo(
            frame_times_ms=tuple(FRAME_TIME_MS * index for index in range(len(run.pixels))),
            imager_spacing_mm=run.pixel_spacing_mm,
            bits_stored=12,
            subtraction=(mask,),
            description="Phantom arterial phase",
        )
        write_xa(Path(folder) / f"sequence_{seed}.dcm", run.pixels, info)
    print(f"{folder}: {count} phantom arterial phases of {SIDE} x {SIDE} pixels")


if __name__ == "__main__":
    if any(given.startswith("-") for given in sys.argv[1:]):
        print(__doc__)
    elif len(sys.argv) != 4:
        sys.exit(f"expected a folder to write, a count and a seed, got {sys.argv[1:]}\n\n{__doc__}")
    else:
        main(*sys.argv[1:])
