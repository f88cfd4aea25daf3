"""Writes a phantom DSA run as a DICOM XA file: a bolus passing through a vessel tree."""
