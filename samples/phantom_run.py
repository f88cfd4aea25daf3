"""Writes a phantom DSA run as a DICOM XA file: a bolus passing through a vessel tree."""

import sys
from pathlib import Path

from sdk.dicom import XaInfo, write_xa
from training.phantoms.angiogram import phantom_run
