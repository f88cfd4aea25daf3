"""Writes a phantom brain as NIfTI images, SWI and phase, with a table of its microbleeds.

python samples/phantom_brain.py out/brain

Voxels of 0.5 mm in the plane take about 2.5 GB of memory and a minute or two; a second argument,
such as 1.0, makes them coarser; the shipped network then finds nothing, as its notes say.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from sdk.nifti import write_nifti
from sdk.volume import Volume

try:
    from training.phantoms.brain import BrainOptions, BrainPhantom, head_grid
except ModuleNotFoundError as missing:
    sys.exit(
        f"phantoms are made in the checkout, after 'make setup': no module {missing.name} here"
    )

SEED = 9_200_000  # of no training or test pool
SLICE_MM = 2.0


def main(folder: str, in_plane_mm: str = "0.5") -> None:
    grid = head_grid((SLICE_MM, float(in_plane_mm), float(in_plane_mm)))
    image = BrainPhantom.drawn(SEED, BrainOptions(microbleeds=(6, 12))).image(grid)
    to_patient = np.eye(4)[[2, 1, 0, 3]] * [*grid.spacing_mm, 1.0]
    to_patient[:3, 3] = grid.first_mm[::-1]
    head = Volume(voxels=image.swi, to_patient=to_patient, phase=image.phase)

    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    write_nifti(out / "swi.nii.gz", image.swi, to_patient)
    write_nifti(out / "phase.nii.gz", image.phase, to_patient)
    with (out / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["x_mm", "y_mm", "z_mm", "diameter_mm"])
        for *voxel, diameter in image.microbleeds.tolist():
            table.writerow([*head.to_patient_mm(voxel).round(2).tolist(), round(diameter, 2)])
    print(f"{out}: {head.shape} voxels, {len(image.microbleeds)} phantom microbleeds")


if __name__ == "__main__":
    if any(given.startswith("-") for given in sys.argv[1:]):
        print(__doc__)
    elif len(sys.argv) not in {2, 3}:
        sys.exit(
            f"expected a folder to write, and maybe millimetres, got {sys.argv[1:]}\n\n{__doc__}"
        )
    else:
        main(*sys.argv[1:])
