"""Writes a phantom brain as two NIfTI images, SWI and phase, and a table of its microbleeds.

python samples/phantom_brain.py out/brain
"""

import csv
import sys
from pathlib import Path

import numpy as np

from sdk.nifti import write_nifti
from sdk.volume import Volume
from training.phantoms.brain import SPACING_MM, BrainOptions, BrainPhantom, head_grid

SEED = 9_200_000  # of no training or test pool
SWI_STEPS = 1000  # stored values per unit of the phantom's SWI


def main(folder: str) -> None:
    subject = BrainPhantom.drawn(SEED, BrainOptions(microbleeds=(6, 12)))
    image = subject.image(head_grid())
    volume = Volume.of_spacing(np.round(image.swi * SWI_STEPS), SPACING_MM, phase=image.phase)
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    write_nifti(out / "swi.nii.gz", volume.voxels, volume.to_patient)
    write_nifti(out / "phase.nii.gz", image.phase, volume.to_patient)
    with (out / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["x_mm", "y_mm", "z_mm", "diameter_mm"])
        for *voxel, diameter in image.microbleeds.tolist():
            table.writerow([*volume.to_patient_mm(voxel).round(2).tolist(), round(diameter, 2)])
    print(f"{out}: {volume.shape} voxels, {len(image.microbleeds)} phantom microbleeds")


if __name__ == "__main__":
    main(*sys.argv[1:])
