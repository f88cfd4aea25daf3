"""``angioedge doctor``: what this machine can run, and what to install for more."""

import json
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata, util

import click
from rich.table import Table

from sdk.cli.terminal import marked, terminal
from sdk.errors import BackendError
from sdk.machine import cores, processor

TENSORRT_TODO = "comes with JetPack; make the venv with --system-site-packages"
MARKS = {
    "ok": marked("ok", "green"),
    "absent": marked("absent", "yellow"),
    "broken": marked("broken", "red"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing the SDK needs or can use.

    Attributes:
        what: its name.
        state: ``ok``, ``absent`` (optional, not here) or ``broken`` (needed, and does not work).
        detail: what was found.
        todo: what to install or do; empty if nothing.
    """

    what: str
    state: str
    detail: str
    todo: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def doctor(*, as_json: bool) -> None:
    """Say what this machine can run. Exit code 1 if something needed is broken."""
    findings = [finding for check in CHECKS for finding in check()]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        table = Table("", title="angioedge doctor")
        for title in ("what", "found", "to do"):
            table.add_column(title, overflow="fold")
        for finding in findings:
            table.add_row(MARKS[finding.state], finding.what, finding.detail, finding.todo)
        terminal().print(table)
    sys.exit(any(finding.state == "broken" for finding in findings))


def _machine() -> Iterator[Finding]:
    version, kind = platform.python_version(), platform.machine()
    detail = f"Python {version}, {kind}, {processor()}, {cores()} cores"
    yield Finding(what="machine", state="ok", detail=detail)


def _kernels() -> Iterator[Finding]:
    try:
        from sdk import _native
    except ImportError as error:
        todo = "reinstall angioedge; from a checkout, run 'make setup'"
        yield Finding(what="kernels", state="broken", detail=str(error), todo=todo)
        return
    yield Finding(what="kernels", state="ok", detail=f"CPU, {_native.cpu_target()}")
    yield Finding(
        what="CUDA kernels",
        state="ok" if _native.has_cuda else "absent",
        detail=_native.cuda_decision,
        todo="" if _native.has_cuda else "install the CUDA toolkit and build with ANGIO_CUDA=ON",
    )


def _onnxruntime() -> Iterator[Finding]:
    try:
        import onnxruntime
    except ImportError as error:
        todo = "pip install onnxruntime"
        yield Finding(what="ONNX Runtime", state="broken", detail=str(error), todo=todo)
        return
    providers = ", ".join(onnxruntime.get_available_providers())
    yield Finding(what="ONNX Runtime", state="ok", detail=f"{onnxruntime.__version__}: {providers}")


def _device() -> Iterator[Finding]:
    """The driver is asked first: without one TensorRT is looked for, but not imported."""
    from sdk.engines import probe_device

    try:
        device = probe_device()
    except BackendError as error:
        todo = "needed for TensorRT alone; on a Jetson, install JetPack"
        yield Finding(what="CUDA device", state="absent", detail=str(error), todo=todo)
        yield _absent_tensorrt()
        return
    yield Finding(what="CUDA device", state="ok", detail=str(device))
    yield _tensorrt()


def _absent_tensorrt() -> Finding:
    here = util.find_spec("tensorrt") is not None
    detail = "here, but not imported without a CUDA device" if here else "no module tensorrt"
    return Finding(what="TensorRT", state="absent", detail=detail, todo=TENSORRT_TODO)


def _tensorrt() -> Finding:
    from sdk.engines.generation import generation_of
    from sdk.engines.library import load_tensorrt

    try:
        trt = load_tensorrt()
        generation = generation_of(trt)
    except BackendError as error:
        return Finding(what="TensorRT", state="absent", detail=str(error), todo=TENSORRT_TODO)
    typing = {
        (True, True): "types from the graph or from flags",
        (True, False): "types from the graph alone",
    }.get((generation.strong_typing, generation.weak_typing), "types from flags")
    return Finding(what="TensorRT", state="ok", detail=f"{trt.__version__}: {typing}")


def _optional_libraries() -> Iterator[Finding]:
    for module, what, todo in (
        ("openvino", "OpenVINO", "pip install 'angioedge[openvino]'"),
        ("pycuda", "PyCUDA", "pip install 'angioedge[tensorrt]'"),
        ("nibabel", "NIfTI volumes", "pip install 'angioedge[volumes]'"),
        ("highdicom", "structured reports", "pip install 'angioedge[reports]'"),
        ("matplotlib", "pictures", "pip install 'angioedge[pictures]'"),
        ("torch", "workstation", "make setup, in a checkout"),
    ):
        if util.find_spec(module) is None:
            yield Finding(what=what, state="absent", detail=f"no module {module}", todo=todo)
        else:
            yield Finding(what=what, state="ok", detail=f"{module} {_version(module)}")


def _version(module: str) -> str:
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        return "of unknown version"


def _codecs() -> Iterator[Finding]:
    from sdk.dicom.codecs import transfer_syntaxes

    for syntax, problem in transfer_syntaxes().items():
        yield Finding(
            what=f"DICOM {syntax.split(',')[0]}",
            state="absent" if problem else "ok",
            detail=problem or "can be decoded",
            todo="pip install --force-reinstall angioedge" if problem else "",
        )


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _machine,
    _kernels,
    _onnxruntime,
    _device,
    _optional_libraries,
    _codecs,
)
