"""A session runs the certified engine of this device or says why not, here on a stand-in."""

import json
from dataclasses import replace

import folders
import networks
import pytest
import stand_in_gpu
from folders import SIDE, dark_square

import sdk
from sdk import BackendError, EngineError, Frame, Session, TensorRT
from sdk.acceptance import (
    Measured,
    certificate_path,
    certify,
    find_engine,
    judge_with,
    qualify,
    read_certificate,
)
from sdk.engines import BuildRequest, Trials, build_engines


@pytest.fixture
def folder(tmp_path):
    return folders.quality_folder(tmp_path / "model")


@pytest.fixture
def toolkit(tmp_path, monkeypatch):
    (tmp_path / "gpu").mkdir()
    return stand_in_gpu.install(tmp_path / "gpu", monkeypatch)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "engines"


def damaged(tmp_path):
    """A network that finds vessels where there are none."""
    graph = networks.quality(tmp_path / "other.onnx", (SIDE, SIDE))
    content = graph.read_bytes()
    half = b"\x00\x00\x00\x3f"  # 0.5 in float32
    assert content.count(half) == 1
    return content.replace(half, b"\x00\x00\x70\x3f")


def ask(folder, cache, **options):
    with Session(folder.path, backend=TensorRT(cache=cache, **options)) as session:
        return session(Frame(pixels=dark_square()))


def test_a_certified_engine_answers_and_is_named(folder, toolkit, cache):
    certify(folder, stand_in_gpu.lay_engine(folder, toolkit, cache), threads=1)
    outcome = ask(folder, cache)
    assert outcome.backend == "tensorrt-fp32"
    assert outcome.notes == ()
    with Session(folder.path) as session:
        expected = session(Frame(pixels=dark_square())).require()
    assert outcome.require().vessels.area_px == expected.vessels.area_px
    assert outcome.require().grade == expected.grade


def test_without_an_engine_the_error_says_how_to_build_one(folder, toolkit, cache):
    with pytest.raises(EngineError, match="angioedge build"):
        ask(folder, cache)


def test_an_engine_that_was_never_qualified_is_refused(folder, toolkit, cache):
    stand_in_gpu.lay_engine(folder, toolkit, cache)
    with pytest.raises(EngineError, match="never qualified; qualify it: angioedge qualify"):
        ask(folder, cache)


def test_an_engine_that_answers_otherwise_is_refused(folder, toolkit, cache, tmp_path):
    plan = stand_in_gpu.lay_engine(folder, toolkit, cache, graph=damaged(tmp_path))
    assert not certify(folder, plan, threads=1).passed
    with pytest.raises(EngineError, match=r"did not pass: .*dice is 0\.\d+, expected at least"):
        ask(folder, cache)


def test_an_uncertified_engine_runs_if_asked_for_and_every_outcome_says_so(
    folder, toolkit, cache, tmp_path
):
    plan = stand_in_gpu.lay_engine(folder, toolkit, cache, graph=damaged(tmp_path))
    assert ask(folder, cache, uncertified=True).notes == (
        "this engine is not certified: it was never qualified",
    )
    certify(folder, plan, threads=1)
    [note] = ask(folder, cache, uncertified=True).notes
    assert note.startswith("this engine is not certified: it did not pass: vessels differs by ")


def test_an_engine_that_was_built_again_must_be_qualified_again(folder, toolkit, cache, tmp_path):
    certify(folder, stand_in_gpu.lay_engine(folder, toolkit, cache), threads=1)
    stand_in_gpu.lay_engine(folder, toolkit, cache, graph=damaged(tmp_path))
    with pytest.raises(EngineError, match="plan_sha256 was "):
        ask(folder, cache)


def test_a_new_driver_needs_a_new_certificate(folder, toolkit, cache):
    plan = stand_in_gpu.lay_engine(folder, toolkit, cache)
    path = certificate_path(plan)
    certify(folder, plan, threads=1)
    record = json.loads(path.read_text())
    record["candidate"]["device"] = record["candidate"]["device"].replace("CUDA 12.6", "CUDA 12.2")
    path.write_text(json.dumps(record))
    with pytest.raises(EngineError, match=r"device was .*CUDA 12\.2.*, is now .*CUDA 12\.6"):
        ask(folder, cache)


def test_the_certificate_stands_beside_the_engine(folder, toolkit, cache):
    plan = stand_in_gpu.lay_engine(folder, toolkit, cache)
    certificate = certify(folder, plan, threads=1)
    assert certificate_path(plan).parent == plan.path.parent
    assert read_certificate(certificate_path(plan)) == certificate
    assert certificate.candidate == {
        "backend": "tensorrt-fp32",
        "library": "tensorrt 10.3.0",
        "device": toolkit.device.identity,
        "graph_sha256": folder.manifest.files["graph.fp32.onnx"],
        "plan_sha256": plan.sidecar.plan_sha256,
    }
    assert find_engine(folder, None, cache) == plan


def test_no_device_is_an_error_not_a_fallback(folder, monkeypatch):
    def no_driver():
        raise BackendError("there is no CUDA driver")

    monkeypatch.setattr("sdk.engines.toolkit.probe_device", no_driver)
    for backend in ("tensorrt", TensorRT(cpu_first=True)):
        with pytest.raises(BackendError, match="no CUDA driver"):
            Session(folder.path, backend=backend)


def test_the_cpu_answers_until_the_engine_is_built_and_qualified(folder, toolkit, cache):
    frames = [Frame(pixels=dark_square(), index=index) for index in range(3)]
    with Session(folder.path, backend=TensorRT(cache=cache, cpu_first=True)) as session:
        run = session.stream(frames)
        first = next(run)
        assert session._backend.wait(120)
        rest = list(run)  # within a run nothing changes
        later = session(frames[0])
    assert {outcome.backend for outcome in (first, *rest)} == {"onnxruntime-cpu"}
    assert first.notes == ("the TensorRT engine is not ready yet, onnxruntime-cpu answers",)
    assert later.backend == "tensorrt-fp16"  # of FP16 and FP32 without Q/DQ graph
    assert later.notes == ()
    assert later.require().vessels.area_px == first.require().vessels.area_px
    assert read_certificate(certificate_path(find_engine(folder, None, cache))).passed
    assert ask(folder, cache, cpu_first=True).backend == "tensorrt-fp16"  # at once


def test_an_engine_that_fails_while_the_cpu_answers_is_in_every_note(
    folder, toolkit, cache, tmp_path
):
    stand_in_gpu.lay_engine(folder, toolkit, cache, graph=damaged(tmp_path))
    with Session(folder.path, backend=TensorRT(cache=cache, cpu_first=True)) as session:
        assert session._backend.wait(120)
        for _ in range(2):
            outcome = session(Frame(pixels=dark_square()))
            assert outcome.status is sdk.Status.DELIVERED
            assert outcome.backend == "onnxruntime-cpu"
            assert "could not be made ready" in outcome.notes[0]
            assert "dice is" in outcome.notes[0]


@pytest.mark.parametrize("damaged", ["plan", "record", "certificate"])
def test_the_cpu_answers_where_what_is_kept_is_damaged_until_it_is_made_again(
    folder, toolkit, cache, damaged
):
    plan = stand_in_gpu.lay_engine(folder, toolkit, cache)
    certify(folder, plan, threads=1)
    record = next(cache.rglob("*.choice.json"))
    paths = {"plan": plan.path, "record": record, "certificate": certificate_path(plan)}
    paths[damaged].write_bytes(paths[damaged].read_bytes()[:-10])
    with pytest.raises(EngineError, match=paths[damaged].name):
        ask(folder, cache)
    with Session(folder.path, backend=TensorRT(cache=cache, cpu_first=True)) as session:
        first = session(Frame(pixels=dark_square()))
        assert session._backend.wait(120)
        later = session(Frame(pixels=dark_square()))
    assert first.backend == "onnxruntime-cpu"
    if damaged != "certificate":
        assert "cannot be used, and is built again: " in first.notes[1]
        assert paths[damaged].name in first.notes[1]
    assert later.backend.startswith("tensorrt-")
    assert later.notes == ()


def refusing(monkeypatch, *precisions):
    """Has engines of some precisions answer otherwise than the CPU does."""
    from sdk.acceptance import engine

    def judged(*arguments):
        certificate = qualify(*arguments)
        if certificate.precision not in precisions:
            return certificate
        return replace(certificate, agreements={"dice": Measured(found=0.5, limit=0.98)})

    monkeypatch.setattr(engine, "qualify", judged)


def test_building_goes_one_rung_down_where_an_engine_is_not_certified(
    folder, toolkit, cache, monkeypatch
):
    refusing(monkeypatch, "fp16")
    request, trials = BuildRequest(cache=cache), Trials(accept=judge_with(folder, threads=1))
    choice = build_engines(folder, toolkit, request, trials=trials)
    assert choice.chosen == "fp32"
    reason = choice.steps[-1].reason
    assert reason == "built, but not accepted: dice is 0.5, expected at least 0.98"
    refused = find_engine(folder, "fp16", cache)
    assert not read_certificate(certificate_path(refused)).passed
    assert ask(folder, cache).backend == "tensorrt-fp32"  # certified already


def test_nothing_is_chosen_where_no_engine_is_certified(folder, toolkit, cache, monkeypatch):
    refusing(monkeypatch, "fp16", "fp32")
    request, trials = BuildRequest(cache=cache), Trials(accept=judge_with(folder, threads=1))
    with pytest.raises(EngineError, match=r"(?s)can be used here.*fp16: .*0\.5.*fp32: .*0\.5"):
        build_engines(folder, toolkit, request, trials=trials)
    with pytest.raises(EngineError, match="there is no engine"):
        ask(folder, cache)


def test_an_engine_that_does_not_run_is_not_accepted(folder, toolkit, cache, monkeypatch):
    from sdk.acceptance import engine

    def lost(*arguments):
        raise BackendError("device lost")

    monkeypatch.setattr(engine, "certify", lost)
    plan = stand_in_gpu.lay_engine(folder, toolkit, cache)
    assert judge_with(folder)(plan) == "it could not be qualified: device lost"


def test_without_golden_frames_nothing_is_judged(tmp_path):
    assert judge_with(folders.quality_folder(tmp_path / "bare", golden=None)) is None


def test_an_unknown_backend_is_refused_with_the_known_ones(folder):
    with pytest.raises(
        BackendError, match="no backend 'tpu', only onnxruntime, openvino, onnxruntime-cuda"
    ):
        Session(folder.path, backend="tpu")


def test_a_provider_that_is_not_there_is_an_error_not_a_fallback(folder):
    with pytest.raises(BackendError, match="has no CUDAExecutionProvider"):
        Session(folder.path, backend="onnxruntime-cuda")
