"""Engines: TensorRT's compiled form of a graph, built on the device, kept, checked, found again."""

from sdk.engines.cache import Plan, find_plan, load_plan
from sdk.engines.driver import Device, probe_device
from sdk.engines.sidecar import EngineTensor, Machine, Sidecar
from sdk.engines.toolkit import Toolkit, open_toolkit

__all__ = [
    "Device",
    "EngineTensor",
    "Machine",
    "Plan",
    "Sidecar",
    "Toolkit",
    "find_plan",
    "load_plan",
    "open_toolkit",
    "probe_device",
]
