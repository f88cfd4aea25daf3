"""The code in the documents runs as it is printed."""

import re
from pathlib import Path

import numpy as np
import pytest

from sdk.dicom.write_xa import XaInfo, write_xa

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
DOCUMENTS = ("README.md", "docs/getting-started.md", "docs/artery-sequence.md")
CODE = [
    pytest.param(code, id=f"{name}-{number}")
    for name in DOCUMENTS
    for number, code in enumerate(BLOCK.findall((ROOT / name).read_text(encoding="utf-8")))
]


@pytest.fixture
def beside_a_run(tmp_path, monkeypatch):
    """A folder with the models and a run, as the documents name them."""
    frames = np.random.default_rng(0).integers(500, 900, (2, 256, 256), np.uint16)
    write_xa(tmp_path / "run.dcm", frames, XaInfo(frame_times_ms=(0.0, 100.0)))
    (tmp_path / "models").symlink_to(ROOT / "models")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("beside_a_run")
@pytest.mark.parametrize("code", CODE)
def test_printed_code_runs(code, capsys):
    exec(compile(code, "document", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out


def test_there_is_code_to_run():
    assert len(CODE) >= 3
