"""An engine that does not belong here is refused in one sentence, before it is deserialised."""

import hashlib
from dataclasses import replace

import engine_folders
import pytest

from sdk.engines import EngineTensor, Machine, Sidecar, find_plan, load_plan
from sdk.engines.choice import Choice, choice_path, read_choice, write_choice
from sdk.engines.places import default_cache
from sdk.errors import EngineError

HERE = Machine(tensorrt="10.3.0", gpu="Orin", sm="87", l4t="36.4.3", architecture="aarch64")
DATA = bytes(range(256)) * 8


@pytest.fixture
def folder(tmp_path):
    return engine_folders.engine_folder(tmp_path / "model", "fp32", "fp16")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def path(folder, cache):
    """An engine with its sidecar, chosen for the folder."""
    record = choice_path(folder, HERE, cache)
    record.parent.mkdir(parents=True)
    path = record.with_name("key.plan")
    path.write_bytes(DATA)
    path.with_suffix(".json").write_bytes(sidecar(folder).to_json())
    write_choice(record, Choice(chosen="fp32", reason="asked for", plans={"fp32": path.name}))
    return path


def sidecar(folder):
    return Sidecar(
        plan_sha256=hashlib.sha256(DATA).hexdigest(),
        plan_bytes=len(DATA),
        graph="graph.fp32.onnx",
        graph_sha256=folder.manifest.files["graph.fp32.onnx"],
        precision="fp32",
        strongly_typed=True,
        flags=("FP16",),
        machine=HERE,
        options={"workspace_mib": 512, "optimization_level": 3},
        tensors=(EngineTensor(name="image", is_input=True, dtype="FLOAT", shape=(1, 1, 8, 8)),),
        timing_cache_sha256="",
        cuda="12.6",
        build_s=1.5,
        sdk_version="0",
    )


def test_finds_what_was_chosen(folder, cache, path):
    plan = find_plan(folder, HERE, cache=cache)
    assert plan.data == DATA
    assert plan.sidecar == sidecar(folder)
    assert plan.path == path


def test_absent_is_not_refused(folder, cache, path):
    assert find_plan(folder, HERE, precision="int8", cache=cache) is None
    assert find_plan(folder, replace(HERE, tensorrt="10.13.3"), cache=cache) is None


def test_other_weights_have_other_engines(cache, path, tmp_path):
    other = engine_folders.engine_folder(tmp_path / "other", "fp32", "int8")
    assert find_plan(other, HERE, cache=cache) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tensorrt": "10.13.3"}, "built for TensorRT 10.3.0, here is TensorRT 10.13.3"),
        ({"sm": "110"}, "built for sm_87, here is sm_110"),
        ({"l4t": ""}, r"built for Jetson Linux 36.4.3, here is Jetson Linux \(none\)"),
        ({"gpu": "Thor"}, "built for the device Orin, here is the device Thor"),
        ({"architecture": "x86_64"}, "built for a CPU of aarch64, here is a CPU of x86_64"),
    ],
)
def test_an_engine_of_another_machine_is_refused(path, change, sentence):
    with pytest.raises(EngineError, match=sentence):
        load_plan(path, replace(HERE, **change))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (DATA[:-1], "truncated or foreign: expected 2048 bytes, found 2047"),
        (b"", "truncated or foreign"),
        (DATA[:-1] + b"x", "was altered since it was built"),
    ],
)
def test_other_bytes_are_refused(path, content, sentence):
    path.write_bytes(content)
    with pytest.raises(EngineError, match=sentence):
        load_plan(path, HERE)


def test_an_engine_without_its_sidecar_is_foreign(path):
    path.with_suffix(".json").unlink()
    with pytest.raises(EngineError, match="foreign"):
        load_plan(path, HERE)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "cannot be read"),
        (b"[]", "format version None, expected 1"),
        (b'{"format_version": 9}', "format version 9, expected 1"),
        (b'{"format_version": 1}', "does not fit: .* has no "),
    ],
)
def test_a_damaged_sidecar_is_refused(path, content, sentence):
    path.with_suffix(".json").write_bytes(content)
    with pytest.raises(EngineError, match=sentence):
        load_plan(path, HERE)


def test_an_engine_that_anybody_can_write_is_refused(path):
    path.chmod(0o666)
    with pytest.raises(EngineError, match="can be written by everybody"):
        load_plan(path, HERE)
    path.chmod(0o600)
    path.parent.chmod(0o777)
    with pytest.raises(EngineError, match="can be written by everybody"):
        load_plan(path, HERE)


def test_an_engine_of_another_graph_is_refused(folder, cache, path):
    foreign = replace(sidecar(folder), graph_sha256="0" * 64)
    path.with_suffix(".json").write_bytes(foreign.to_json())
    with pytest.raises(EngineError, match="built from another graph"):
        find_plan(folder, HERE, cache=cache)


def test_a_missing_engine_is_refused(path):
    path.unlink()
    with pytest.raises(EngineError, match="is missing"):
        load_plan(path, HERE)


def test_a_record_keeps_engines_of_earlier_builds(folder, cache, path):
    record = choice_path(folder, HERE, cache)
    write_choice(record, Choice(chosen="fp16", reason="faster", plans={"fp16": "half.plan"}))
    assert read_choice(record).plans == {"fp32": "key.plan", "fp16": "half.plan"}
    assert find_plan(folder, HERE, precision="fp32", cache=cache).path == path


def test_a_damaged_record_is_replaced_by_the_next_build(folder, cache, path):
    record = choice_path(folder, HERE, cache)
    record.write_bytes(record.read_bytes()[:-10])
    chosen = Choice(chosen="fp32", reason="asked for", plans={"fp32": "key.plan"})
    write_choice(record, chosen)
    assert read_choice(record) == chosen
    assert find_plan(folder, HERE, cache=cache).path == path


def test_a_damaged_record_is_said(folder, cache, path):
    choice_path(folder, HERE, cache).write_text("{}")
    with pytest.raises(EngineError, match="is damaged"):
        find_plan(folder, HERE, cache=cache)


def test_a_record_cannot_lead_out_of_its_folder(folder, cache, path):
    record = choice_path(folder, HERE, cache)
    write_choice(record, Choice(chosen="fp32", reason="", plans={"fp32": "../../key.plan"}))
    assert find_plan(folder, HERE, cache=cache).path == path


def test_engines_lie_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "angioedge" / "engines"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "angioedge" / "engines"
