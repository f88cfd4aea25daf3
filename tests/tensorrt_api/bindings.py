"""The real bindings of TensorRT, imported where there is no TensorRT.

The wheels of the bindings are small; what they need of TensorRT's libraries while they are imported
are a few functions, which stub libraries made here have too. Names, signatures and enumerations are
real then, and nothing can be run.
"""

import os
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest
import stand_in_device

ROOT = Path(__file__).resolve().parents[2]
WHEELS = ROOT / "build" / "tensorrt_wheels"
PACKAGES = {
    "8.6.1": "tensorrt-bindings",
    "10.3.0": "tensorrt-cu12-bindings",
    "10.13.3.9": "tensorrt-cu12-bindings",
    "10.16.1.11": "tensorrt-cu12-bindings",
    "11.4.0.106": "tensorrt-cu13-bindings",
}
NEEDED = re.compile(rb"lib(?:nvinfer|nvinfer_plugin|nvonnxparser|nvparsers)\.so\.\d+")
FUNCTIONS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
    # two parsers of 8.x that nobody uses
    "_ZN11nvuffparser15createUffParserEv",
    "_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi",
    "_ZN14nvcaffeparser117createCaffeParserEv",
    "_ZN14nvcaffeparser123shutdownProtobufLibraryEv",
)


def environment(version: str, folder: Path) -> dict[str, str]:
    """In which one release of ``tensorrt_bindings`` is found; skips where it cannot be had."""
    unpacked = folder / "bindings"
    with zipfile.ZipFile(wheel(version)) as archive:
        archive.extractall(unpacked)
    extension = next((unpacked / "tensorrt_bindings").glob("tensorrt*.so"))
    source = "".join(f"void *{name}(void) {{ return 0; }}\n" for name in FUNCTIONS)
    for name in sorted(set(NEEDED.findall(extension.read_bytes()))):
        stand_in_device.compiled(source, folder / "stubs" / name.decode())
    paths = (unpacked, ROOT, ROOT / "tests")
    return os.environ | {
        "LD_LIBRARY_PATH": str(folder / "stubs"),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }


def wheel(version: str) -> Path:
    """The wheel of one release for this Python, from the project's build folder or the index."""
    kept = WHEELS / f"{sys.implementation.cache_tag}-{version}"
    if not list(kept.glob("*.whl")):
        reason = _index_fails() or _download(version)
        if reason:
            pytest.skip(f"no bindings of TensorRT {version} here: {reason}")
    return next(kept.glob("*.whl"))


@cache
def _index_fails() -> str:
    """Asked once, so that a machine without a network does not wait for every wheel."""
    return _download(next(reversed(PACKAGES)))


def _download(version: str) -> str:
    """Why it fails; empty: it is there."""
    folder = WHEELS / f"{sys.implementation.cache_tag}-{version}"
    requirement = f"{PACKAGES[version]}=={version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0"]
    command += ["--timeout", "15", "--only-binary", ":all:", "--dest", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return "the package index does not answer"
    if done.returncode == 0:
        return ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return errors[-1] if errors else f"pip ended with exit code {done.returncode}"
