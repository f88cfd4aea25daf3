"""Cohorts of volumes on disk, as docs/microbleeds.md describes them."""

import numpy as np
import pytest
import volume_folders

nibabel = pytest.importorskip("nibabel")

LESIONS = {
    "ann": [(12, 40, 22), (12, 40, 52)],
    "bob": [(8, 20, 50)],
    "eve": [(14, 55, 30), (6, 24, 60)],
}


def write_cohort(folder, subjects, *, lesions=True):
    """NIfTI images and tables, as docs/microbleeds.md describes them."""
    folder.mkdir(parents=True)
    rows = ["subject,swi,phase"]
    table = ["subject,x_mm,y_mm,z_mm,diameter_mm,certain"]
    for name in subjects:
        volume = volume_folders.head(*LESIONS.get(name, ()))
        # nibabel counts (column, row, slice), x to the right and y to the front
        affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.to_patient @ np.eye(4)[[2, 1, 0, 3]]
        for kind, voxels in (("swi", volume.voxels), ("phase", volume.phase)):
            image = nibabel.Nifti1Image(voxels.T.astype(np.float32), affine)
            nibabel.save(image, folder / f"{name}_{kind}.nii.gz")
        rows.append(f"{name},{name}_swi.nii.gz,{name}_phase.nii.gz")
        for lesion in LESIONS.get(name, ()):
            x, y, z = volume.to_patient_mm(lesion).tolist()
            table.append(f"{name},{x},{y},{z},6.0,1")
    (folder / "subjects.csv").write_text("\n".join(rows) + "\n")
    if lesions:
        (folder / "lesions.csv").write_text("\n".join(table) + "\n")
    return str(folder)
