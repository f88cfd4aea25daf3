"""Reads structured reports back, with another library than wrote them or with the one that did."""

import shutil
import subprocess

import pydicom
import pytest


def validated(path):
    """Passes a report that two validators have nothing against; skips where none is."""
    for tool in ("dciodvfy", "dsrdump"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} here: install dicom3tools and dcmtk")
    for command in (["dciodvfy", str(path)], ["dsrdump", "--verbose", str(path)]):
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        said = done.stdout + done.stderr
        assert "Error" not in said, said
        assert not [line for line in said.splitlines() if line.startswith("E:")], said
        assert done.returncode == 0, said


def item_of(dataset, meaning):
    """The first content item of this concept name, wherever it is; None: there is none."""
    return next(iter(items_of(dataset, meaning)), None)


def items_of(dataset, meaning):
    """All content items of this concept name, in their order."""
    for item in dataset.get("ContentSequence", []):
        if item.ConceptNameCodeSequence[0].CodeMeaning == meaning:
            yield item
        yield from items_of(item, meaning)


def groups_of(path):
    return list(items_of(pydicom.dcmread(path), "Measurement Group"))


def label_of(group):
    return item_of(group, "Tracking Identifier").TextValue


def comments_of(path):
    return [item.TextValue for item in items_of(pydicom.dcmread(path), "Comment")]


def code_of(item):
    code = item.ConceptCodeSequence[0]
    return code.CodeValue, code.CodingSchemeDesignator


def numbers_of(group):
    """(name, derivation) -> (value, unit)."""
    numbers = {}
    for item in group.ContentSequence:
        if item.ValueType == "NUM":
            derivation = item_of(item, "Derivation")
            how = derivation.ConceptCodeSequence[0].CodeMeaning if derivation else ""
            measured = item.MeasuredValueSequence[0]
            unit = measured.MeasurementUnitsCodeSequence[0].CodeValue
            name = item.ConceptNameCodeSequence[0].CodeMeaning
            numbers[name, how] = float(measured.NumericValue), unit
    return numbers


def frames_of(group):
    """Numbers of the frames that a group, or a measurement, refers to; [] for a whole image."""
    image = next(item for item in group.ContentSequence if item.ValueType == "IMAGE")
    numbers = image.ReferencedSOPSequence[0].get("ReferencedFrameNumber", [])
    return [int(number) for number in ([numbers] if isinstance(numbers, int) else numbers)]
