"""A stand-in for a device: a driver's library made of C, and a stand-in for TensorRT beside it.

Both are found by this process and by those that it starts.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import tensorrt_stand_in

from sdk.engines import Toolkit, probe_device
from sdk.engines.generation import generation_of

DRIVER = """
#include <stddef.h>
#include <string.h>
int cuInit(unsigned flags) { return flags == 0 ? %(status)d : 1; }
int cuDeviceGetCount(int *count) { *count = %(devices)d; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int size, int device) {
  strncpy(name, "Orin", (size_t)size);
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 8 : attribute == 76 ? 7 : attribute == 18;
  return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)8 << 30; return 0; }
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
int cuGetErrorString(int status, const char **text) { *text = "out of order"; return 0; }
"""


def compiled(source: str, library: Path) -> Path:
    """Compiles C into a shared library, or skips where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to make stub libraries with")
    library.parent.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-shared", "-fPIC", "-w", "-x", "c", "-", "-o", str(library)]
    subprocess.run(command, input=source.encode(), check=True)
    return library


def driver(folder: Path, *, status: int = 0, devices: int = 1) -> Path:
    """A stand-in for the CUDA driver of an Orin with 8 GiB."""
    return compiled(DRIVER % {"status": status, "devices": devices}, folder / "libcuda.so.1")


def install(
    folder: Path, monkeypatch, version: str = "10.3.0", faults=None, library: Path | None = None
) -> Toolkit:
    """Puts the stand-ins where processes find them; gives what this process would find."""
    library = library or driver(folder)
    faults = faults or tensorrt_stand_in.Faults()
    module = (
        "import sys, tensorrt_stand_in\n"
        "from tensorrt_stand_in import Faults\n"
        f"sys.modules['tensorrt'] = tensorrt_stand_in.make({version!r}, {faults!r})\n"
    )
    (folder / "tensorrt.py").write_text(module, encoding="utf-8")
    paths = [str(folder), str(Path(__file__).parent)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(library.parent))
    trt = tensorrt_stand_in.make(version, faults)
    return Toolkit(device=probe_device(str(library)), trt=trt, generation=generation_of(trt))
