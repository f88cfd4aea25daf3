"""Writes a phantom DSA run as a DICOM XA file: a bolus on its way through the vessels of a head.

python samples/phantom_run.py out/run.dcm
"""

import sys
from pathlib import Path

import sdk
from sdk.dicom.write_xa import XaInfo, write_xa

try:
    from training.phantoms.run import RunOptions, phantom_run
except ModuleNotFoundError as missing:
    sys.exit(
        f"phantoms are made in the checkout, after 'make setup': no module {missing.name} here"
    )

SEED = 11
FRAMES = 40
SIDE = 1024


def main(path: str) -> None:
    run = phantom_run(SEED, FRAMES, SIDE, RunOptions(cerebral=True))
    mask = sdk.MaskSubtraction(
        operation=sdk.MaskOperation.AVG_SUB, mask_frames=tuple(range(run.mask_frames))
    )
    info = XaInfo(
        frame_times_ms=tuple(run.frame_time_ms * index for index in range(FRAMES)),
        imager_spacing_mm=run.pixel_spacing_mm,
        bits_stored=12,
        subtraction=(mask,),
        description="Phantom DSA run",
    )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_xa(path, run.pixels, info)
    print(f"{path}: {FRAMES} phantom frames of {SIDE} x {SIDE} pixels")


if __name__ == "__main__":
    if any(given.startswith("-") for given in sys.argv[1:]):
        print(__doc__)
    elif len(sys.argv) != 2:
        sys.exit(f"expected the file to write, got {sys.argv[1:]}\n\n{__doc__}")
    else:
        main(*sys.argv[1:])
