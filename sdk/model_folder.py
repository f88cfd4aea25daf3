"""The model folder: what a network says about itself, read, checked and verified."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from sdk.errors import DAMAGED, ModelFolderError
from sdk.files import write_whole
from sdk.frame import Frame
from sdk.golden import Golden, GoldenPair, pair_golden
from sdk.typed_json import parse

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IntendedInput:
    """The frames a network was made for. A frame outside is answered, and the outcome says so.

    Attributes:
        modality: DICOM modalities.
        min_size: smallest (rows, columns).
        max_size: largest (rows, columns).
        bits_stored: (fewest, most) significant bits.
        intensity: PixelIntensityRelationship values.
        note: anything a person should know, in one sentence.
    """

    modality: tuple[str, ...] = ("XA", "RF")
    min_size: tuple[int, int] = (1, 1)
    max_size: tuple[int, int] = (65535, 65535)
    bits_stored: tuple[int, int] = (1, 16)
    intensity: tuple[str, ...] = ("LIN", "LOG", "DISP")
    note: str = ""

    def outside(self, frame: Frame) -> tuple[str, ...]:
        """What a frame says about itself that the network was not made for; empty: nothing."""
        notes = []
        fewest, most = self.bits_stored
        if not fewest <= frame.bits_stored <= most:
            notes.append(f"{frame.bits_stored} bits stored, made for {fewest} to {most}")
        if frame.intensity not in self.intensity:
            notes.append(f"{frame.intensity.value} intensity, made for {', '.join(self.intensity)}")
        sizes = zip(self.min_size, frame.shape, self.max_size, strict=True)
        if not all(least <= extent <= most for least, extent, most in sizes):
            notes.append(
                f"{frame.shape[0]} x {frame.shape[1]} pixels, made for {self.min_size} "
                f"to {self.max_size}"
            )
        return tuple(notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The contract between the workstation that made a network and the device that runs it.

    Attributes:
        task: the clinical question it answers, a key of ``sdk.tasks.TASKS``.
        options: fields of the task that belong to the weights.
        precision_options: precision -> those that differ for its graphs, such as a threshold on
            scores that were rounded.
        graphs: precision -> file name of its ONNX graph.
        files: file name -> SHA-256, for every file but the manifest.
        intended_input: the frames it was made for.
        golden: the acceptance test of every device.
        origin: who made it, from what, with which versions, and how well it did.
        format_version: of this manifest.
    """

    task: str
    options: Mapping[str, Any] = field(default_factory=dict)
    precision_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    graphs: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    intended_input: IntendedInput = field(default_factory=IntendedInput)
    golden: Golden | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def options_of(self, precision: str) -> dict[str, Any]:
        """Fields of the task for the graphs of a precision."""
        return {**self.options, **self.precision_options.get(precision, {})}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know who reads answers, such as that it is not for clinical use."""
        trained_on = self.origin.get("trained_on")
        if self.intended_input.note:
            return (self.intended_input.note,)
        return (f"The network was trained on {trained_on}.",) if isinstance(trained_on, str) else ()

    def certified(self, precision: str) -> bool:
        """Whether a graph is the reference, or was found to answer as it does when it was made."""
        said = self.origin.get("calibration")
        return precision == "fp32" or (isinstance(said, Mapping) and bool(said.get("certified")))


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model folder whose manifest was read and whose files were found as they were written."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: str | Path) -> "ModelFolder":
        """Reads the manifest and verifies every file.

        Raises:
            ModelFolderError: no folder, no manifest, another format, or a file that is missing,
                altered or foreign.
        """
        folder = cls(Path(path), read_manifest(Path(path)))
        folder.verify()
        return folder

    def verify(self) -> None:
        """Compares every file with the hash the manifest has for it."""
        for name, expected in self.manifest.files.items():
            _check_inside(self.path, name)
            found = sha256_of(self.path / name)
            if found != expected:
                raise ModelFolderError(
                    f"{self.path / name} was altered since the folder was written: expected "
                    f"SHA-256 {expected[:12]}…, found {found[:12]}…; copy the folder again"
                )
        for name in (*self.manifest.graphs.values(), *self._golden_files()):
            if name not in self.manifest.files:
                raise ModelFolderError(
                    f"{self.path / MANIFEST} names {name} but has no hash for it; "
                    "write the folder with the tool that made it"
                )

    def _golden_files(self) -> tuple[str, ...]:
        return (self.manifest.golden.file,) if self.manifest.golden else ()

    def graph(self, precision: str) -> Path:
        """Path of the graph of one precision.

        Raises:
            ModelFolderError: the folder has no such graph.
        """
        try:
            return self.path / self.manifest.graphs[precision]
        except KeyError as error:
            raise ModelFolderError(
                f"{self.path} has no {precision} graph, "
                f"it has {', '.join(sorted(self.manifest.graphs))}"
            ) from error

    def golden(self) -> list[GoldenPair]:
        """Recorded (inputs, outputs) by tensor name, one pair per golden frame.

        Raises:
            ModelFolderError: the file holds something else.
        """
        if self.manifest.golden is None:
            return []
        path = self.path / self.manifest.golden.file
        try:
            with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as archive:
                return pair_golden(archive)
        except DAMAGED as error:
            raise ModelFolderError(f"{path} holds no golden vectors: {error}") from error


def read_manifest(path: Path) -> Manifest:
    """Reads and checks the manifest of a folder."""
    file = path / MANIFEST
    if not file.is_file():
        raise ModelFolderError(
            f"{path} has no {MANIFEST}; expected a model folder written by angioedge"
            + ("" if path.is_dir() else f" ({_instead(path)})")
        )
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFolderError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ModelFolderError(f"{file} must hold an object, got {type(content).__name__}")
    return _parse_manifest(content, file)


def _instead(path: Path) -> str:
    return "this is a file" if path.exists() else "there is no such folder"


def write_folder(path: str | Path, manifest: Manifest, files: Mapping[str, bytes]) -> ModelFolder:
    """Writes files and then the manifest that vouches for them; what exists is replaced.

    Raises:
        ModelFolderError: the folder cannot be written.
    """
    folder = Path(path)
    for name in files:
        _check_inside(folder, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(folder / name, content)
        hashes = {name: sha256_of(folder / name) for name in sorted(files)}
        vouched = asdict(manifest) | {"files": hashes}
        write_whole(folder / MANIFEST, (json.dumps(vouched, indent=2) + "\n").encode())
    except OSError as error:
        raise ModelFolderError(
            f"{folder} cannot be written: {error.strerror}; give another folder"
        ) from error
    return ModelFolder.open(folder)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelFolderError(f"{path} cannot be read: {error.strerror}") from error


def _parse_manifest(content: dict[str, Any], file: Path) -> Manifest:
    version = content.get("format_version")
    if not isinstance(version, int):
        raise ModelFolderError(f"{file} was not written by angioedge: it has no format_version")
    if version > FORMAT_VERSION:
        raise ModelFolderError(
            f"{file} has format version {version}, this SDK reads up to {FORMAT_VERSION}; "
            "update angioedge on this device"
        )
    try:
        return parse(Manifest, content, file.name)
    except ValueError as error:
        raise ModelFolderError(
            f"{file} does not fit: {error}; write the folder with the tool that made it"
        ) from error


def _check_inside(folder: Path, name: str) -> None:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ModelFolderError(f"{folder / MANIFEST} names {name}, a file outside the folder")
