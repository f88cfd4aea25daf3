"""A folder that answers volumes, and cohorts to calibrate it with."""

import pytest
import volume_folders
from cohorts import LESIONS, write_cohort


@pytest.fixture
def model(tmp_path):
    return volume_folders.microbleed_folder(tmp_path / "model", volume_folders.DEEP).path


@pytest.fixture
def cohort(tmp_path):
    return write_cohort(tmp_path / "cohort", LESIONS)
