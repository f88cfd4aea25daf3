"""Every name of TensorRT that the project uses is there, in every release, as it is used.

The names are read from the code, branch by branch as each release takes them, and looked up in the
real bindings. That a name is there says nothing about what it does: for that a device is needed.
"""

import json
import subprocess
import sys
from os.path import normpath

import pytest
from tensorrt_api import bindings

RELEASES = tuple(bindings.PACKAGES)
FILES = sorted(
    str(path.relative_to(bindings.ROOT))
    for place in ("sdk/engines/*.py", "sdk/backends/tensorrt*.py")
    for path in bindings.ROOT.glob(place)
)

BACKEND, LAYERS, TENSORS = (f"../backends/tensorrt{part}" for part in ("", "_layers", "_tensors"))
EDITS = (
    ("builder", "builder.build_serialized_network(", "builder.build_engine(", "no build_engine"),
    ("builder", "ignore_mismatch=", "ignore=", "has no argument ignore"),
    ("builder", "parser.parse(graph)", "parser.parse()", "misses model"),
    ("builder", "if generation.weak_typing and not", "if not", "BuilderFlag has no FP16"),
    ("builder", "if toolkit.generation.progress:", "if True:", "make_monitor needs IProgressM"),
    ("builder", "trt.ProfilingVerbosity.DETAILED", "trt.DetailedVerbosity", "no DetailedVerb"),
    ("builder", "(trt.BuilderFlag.FP16)", "(trt.DataType.HALF)", "wants BuilderFlag as flag"),
    ("library", "def log(self, severity", "def log(self, level, severity", "calls no log"),
    ("progress", "def phase_finish(", "def phase_end(", "calls no phase_end"),
    (BACKEND, "context.execute_async_v3(", "context.execute_async_v2(", "no execute_async_v2"),
    (TENSORS, "trt.TensorIOMode.INPUT", "trt.TensorIOMode.IN", "TensorIOMode has no IN"),
    (BACKEND, "(name, tensor.address)", "(name)", "misses memory"),
    (LAYERS, "def report_layer_time(", "def report_layer(", "calls no report_layer"),
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What the project uses of a release; the real bindings are imported in another process."""
    made = {}
    edits = [
        {"file": normpath(f"sdk/engines/{file}.py"), "right": right, "wrong": wrong}
        for file, right, wrong, _ in EDITS
    ]

    def compare(version):
        if version not in made:
            done = subprocess.run(
                [sys.executable, "-m", "tensorrt_api.check"],
                input=json.dumps({"files": FILES, "edits": edits}),
                env=bindings.environment(version, tmp_path_factory.mktemp(version)),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            made[version] = json.loads(done.stdout)
        return made[version]

    return compare


def used(report):
    return {name for _, _, name in report["uses"]}


@pytest.mark.parametrize("version", RELEASES)
def test_every_name_is_there_as_it_is_used(report, version):
    assert report(version)["version"] == version
    assert report(version)["problems"] == []


@pytest.mark.parametrize("version", RELEASES)
def test_no_misspelling_would_be_overlooked(report, version):
    assert report(version)["overlooked"] == []
    assert {"build_serialized_network", "parse", "WORKSPACE"} <= used(report(version))
    assert {"infer_shapes", "set_tensor_address", "execute_async_v3"} <= used(report(version))
    assert {"profiler", "get_engine_information", "get_tensor_format"} <= used(report(version))


@pytest.mark.parametrize("version", RELEASES)
def test_the_stand_in_offers_nothing_the_bindings_lack(report, version):
    assert report(version)["invented"] == []
    assert report(version)["generation"], "the stand-in is taken for another generation"


def test_each_release_is_read_on_its_own_path(report):
    oldest, middle, newest = (used(report(v)) for v in ("8.6.1", "10.3.0", "11.4.0.106"))
    assert {"EXPLICIT_BATCH", "FP16", "INT8"} <= oldest
    assert not {"STRONGLY_TYPED", "progress_monitor"} & oldest
    assert {"STRONGLY_TYPED", "FP16", "INT8", "progress_monitor"} <= middle
    assert {"STRONGLY_TYPED", "progress_monitor"} <= newest
    assert not {"EXPLICIT_BATCH", "FP16", "INT8"} & newest


@pytest.mark.parametrize("number", range(len(EDITS)))
def test_a_wrong_name_is_found(report, number):
    """In a copy of the project's files; a check that finds nothing would pass for ever."""
    told = [problem for v in RELEASES for problem in report(v)["edited"][number]]
    assert any(EDITS[number][-1] in problem for problem in told)
