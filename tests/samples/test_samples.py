"""Every sample runs as its first lines say."""

from pathlib import Path

import numpy as np
import pytest

from sdk.dicom.write_xa import XaInfo, write_xa

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted(path.name for path in (ROOT / "samples").glob("*.py"))
MODEL = ROOT / "models" / "angiogram_quality"


@pytest.fixture
def angiogram(tmp_path):
    frames = np.random.default_rng(0).integers(500, 900, (3, 256, 256), np.uint16)
    write_xa(tmp_path / "run.dcm", frames, XaInfo(frame_times_ms=(0.0, 100.0, 200.0)))
    return tmp_path / "run.dcm"


def test_stream_run_speaks_of_every_frame(run, angiogram):
    lines = run("stream_run.py", MODEL, angiogram).splitlines()
    assert [line.split(":")[0].split(" at ")[0] for line in lines] == [
        f"frame {index}" for index in range(3)
    ]


def test_live_run_accounts_for_every_frame(run, angiogram):
    *lines, account = run("live_run.py", MODEL, angiogram, 60_000).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"frame {index}" for index in range(3)]
    assert account.startswith("3 frames: ")


def test_without_network_answers_what_was_recorded(run):
    assert "good" in run("without_network.py", MODEL)


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_sample_says_how_to_run_it(run, sample):
    assert f"python samples/{sample}" in run(sample, "--help")


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_without_its_arguments_says_how_to_call_it(refused, sample):
    said = refused(sample)
    assert said.startswith("expected ")
    assert f"python samples/{sample}" in said


@pytest.mark.parametrize("sample", [name for name in SAMPLES if name.startswith("phantom")])
def test_phantoms_without_the_checkout_say_so(refused, sample, tmp_path):
    (tmp_path / "training.py").touch()
    said = refused(sample, "--help", before=tmp_path)
    assert "phantoms are made in the checkout" in said
    assert "Traceback" not in said


def test_every_sample_is_tested():
    tests = Path(__file__).parent.glob("test_*.py")
    tested = "".join(test.read_text(encoding="utf-8") for test in tests)
    for sample in (ROOT / "samples").glob("*.py"):
        assert sample.name in tested
