"""The command line of the sheets of phantoms."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from training.phantoms.sheet import write_sheet

if TYPE_CHECKING:
    from pathlib import Path


def flat(seed: int) -> np.ndarray:
    return np.full((8, 9, 3), seed, np.uint8)


def test_the_sheet_of_a_seed_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folder" / "sheet.png"
    monkeypatch.setattr(sys, "argv", ["sheet", str(path), "--seed", "100"])
    write_sheet(flat)
    assert cv2.imread(str(path)).tolist() == np.full((8, 9, 3), 100).tolist()


def test_what_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sheet.png").mkdir()
    monkeypatch.setattr(sys, "argv", ["sheet", str(tmp_path / "sheet.png")])
    with pytest.raises(SystemExit):
        write_sheet(flat)
    assert "is the folder writable" in capsys.readouterr().err
