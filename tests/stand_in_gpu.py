"""A stand-in for a device that can run engines: stand_in_device, and PyCUDA beside it."""

import hashlib
import sys
from types import ModuleType

import pycuda_stand_in
import stand_in_device

import sdk.engines.toolkit
from sdk import _native
from sdk.engines import Choice, Plan, Sidecar, Toolkit, load_plan
from sdk.engines.builder import Order, build
from sdk.engines.choice import choice_path, write_choice
from sdk.engines.library import Messages
from sdk.engines.options import BuildOptions
from sdk.engines.progress import unwatched
from sdk.engines.recipe import Recipe

BOUND_TO_LIBRARIES = ("sdk.backends.cuda_memory", "sdk.backends.tensorrt")


def install(folder, monkeypatch, version="10.3.0", *, integrated=False) -> Toolkit:
    """Puts the stand-ins where this process and those that it starts find the libraries."""
    toolkit = stand_in_device.install(folder, monkeypatch, version)
    pycuda = ModuleType("pycuda", "stand-in")
    pycuda.driver = pycuda_stand_in.make(integrated=integrated)
    monkeypatch.setitem(sys.modules, "tensorrt", toolkit.trt)
    monkeypatch.setitem(sys.modules, "pycuda", pycuda)
    monkeypatch.setitem(sys.modules, "pycuda.driver", pycuda.driver)
    monkeypatch.setattr(sdk.engines.toolkit, "probe_device", lambda: toolkit.device)
    monkeypatch.setattr(_native, "CudaGraph", pycuda_stand_in.CudaGraph)
    for name in BOUND_TO_LIBRARIES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return toolkit


def serialise(toolkit, graph: bytes) -> bytes:
    """An engine of the stand-in for an ONNX graph."""
    flags = ("FP16",) if toolkit.generation.weak_typing else ()
    strong = not toolkit.generation.weak_typing
    order = Order(
        graph=graph,
        recipe=Recipe(precision="fp32", graph="fp32", strongly_typed=strong, flags=flags),
        options=BuildOptions(workspace_mib=64, optimization_level=3),
    )
    return build(toolkit, order, Messages(), unwatched).plan


def lay_engine(folder, toolkit, cache, *, graph: bytes | None = None) -> Plan:
    """Puts an engine where sessions look; of the folder's FP32 graph, or pretending to be."""
    machine, name = toolkit.machine(), folder.manifest.graphs["fp32"]
    data = serialise(toolkit, graph or (folder.path / name).read_bytes())
    record = choice_path(folder, machine, cache)
    record.parent.mkdir(parents=True, exist_ok=True)
    path = record.with_name(f"{name}.plan")
    path.write_bytes(data)
    sidecar = Sidecar(
        plan_sha256=hashlib.sha256(data).hexdigest(),
        plan_bytes=len(data),
        graph=name,
        graph_sha256=folder.manifest.files[name],
        precision="fp32",
        strongly_typed=False,
        flags=(),
        machine=machine,
        options={},
        tensors=(),
        timing_cache_sha256="",
        cuda=toolkit.device.cuda,
        build_s=1.0,
        sdk_version="0.1.0",
    )
    path.with_suffix(".json").write_bytes(sidecar.to_json())
    write_choice(record, Choice(chosen="fp32", reason="a test", plans={"fp32": path.name}))
    return load_plan(path, machine)
