"""Engines: TensorRT's compiled form of a graph, built on the device, kept, checked, found again."""

from sdk.engines.build import BuildRequest, build_engines
from sdk.engines.choice import Choice, Step
from sdk.engines.driver import Device, probe_device
from sdk.engines.ladder import Trials
from sdk.engines.plan import Plan, find_plan, load_plan
from sdk.engines.progress import Progress
from sdk.engines.sidecar import EngineTensor, Machine, Sidecar
from sdk.engines.toolkit import Toolkit, open_toolkit

__all__ = [
    "BuildRequest",
    "Choice",
    "Device",
    "EngineTensor",
    "Machine",
    "Plan",
    "Progress",
    "Sidecar",
    "Step",
    "Toolkit",
    "Trials",
    "build_engines",
    "find_plan",
    "load_plan",
    "open_toolkit",
    "probe_device",
]
