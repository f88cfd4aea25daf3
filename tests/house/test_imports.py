"""House rules 3, 4 and the public surface: what importing brings along, and what it offers."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sdk
from sdk import _native, kernels

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "torch",
    "onnx",
    "onnxruntime",
    "openvino",
    "tensorrt",
    "pydicom",
    "highdicom",
    "cv2",
    "matplotlib",
    "nibabel",
    "rich",
}

# House rule 4: the files in which a library may be named.
HOMES = {
    "cv2": ("sdk/pictures/", "training/", "benchmarks/", "samples/"),
    "gdcm": (),
    "highdicom": ("sdk/dicom/report.py",),
    "matplotlib": ("sdk/pictures/chart.py", "training/"),
    "PIL": ("sdk/runs.py",),
    "nibabel": ("sdk/nifti.py",),
    "onnx": ("calibration/", "export/"),
    "onnxruntime": ("sdk/backends/onnxruntime.py", "sdk/cli/doctor.py", "benchmarks/", "export/"),
    "openvino": ("sdk/backends/openvino.py", "benchmarks/"),
    "pycuda": ("sdk/backends/cuda_memory.py",),
    "pydicom": ("sdk/dicom/", "benchmarks/"),
    "tensorrt": ("sdk/engines/library.py",),
    "torch": ("training/", "export/", "benchmarks/"),
}


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def test_import_is_light():
    code = "import sdk, sys, json; print(json.dumps(sorted(sys.modules)))"
    modules = json.loads(subprocess.check_output([sys.executable, "-c", code]))
    assert not HEAVY & {module.split(".")[0] for module in modules}


@pytest.mark.parametrize("module", [sdk, kernels])
def test_every_export_is_there_sorted_and_documented(module):
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name).__doc__, f"{module.__name__}.{name} has no docstring"


def test_stub_names_what_the_compiled_module_exports():
    tree = ast.parse((ROOT / "sdk" / "_native.pyi").read_text(encoding="utf-8"))
    stub = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    stub |= {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}
    exported = {name for name in vars(_native) if not name.startswith("_")}
    assert exported <= stub
    assert stub - exported <= {"DeviceClock"}  # events, which only a build with CUDA has


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_is_named_at_home_only(library):
    strangers = [
        str(file.relative_to(ROOT))
        for top in ("sdk", "training", "export", "calibration", "samples", "benchmarks")
        for file in (ROOT / top).rglob("*.py")
        if library in imported(file)
        and not str(file.relative_to(ROOT)).startswith(tuple(HOMES[library]) or ("-",))
    ]
    assert not strangers
