"""A stand-in for TensorRT: the names of each release, and the order its manual asks for.

It proves that our calls come in an order, and with flags, that the manual of a release allows. It
proves nothing about TensorRT. What it offers is compared with the real bindings, name by name, in
tests/tensorrt_api. Names that a release lacks raise AttributeError here too; a build or an engine
that is refused is None and the reason goes to the logger, as there.
"""

import json
import os
import signal
import struct
import time
from dataclasses import dataclass, field
from types import ModuleType

import tensorrt_stand_in_context as contexts
import tensorrt_stand_in_engine as engines
import tensorrt_stand_in_objects as objects
from tensorrt_stand_in_objects import enumeration

RELEASES = ("8.6.1", "10.3.0", "10.13.3.9", "10.16.1.11", "11.4.0.106")
MAGIC = 0x74727466
SHARED = (
    "DataType EngineInspector ICudaEngine IExecutionContext IHostMemory ILogger "
    "INetworkDefinition IProfiler ITensor ITimingCache LayerInformationFormat MemoryPoolType "
    "OnnxParser ParserError ProfilingVerbosity TensorFormat TensorIOMode TensorLocation"
)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What shall go wrong, by what is built: ``int8`` (Q/DQ), ``fp16`` or ``fp32``."""

    refuse: dict = field(default_factory=dict)
    """Reason with which a build is refused."""
    kill: tuple = ()
    """Builds during which the process is killed, as for want of memory."""
    wait_s: float = 0.0
    """Time that a build takes."""


class Release:
    """What one release has and refuses."""

    def __init__(self, version, faults):
        major = int(version.split(".")[0])
        self.version, self.faults = version, faults
        self.weak, self.strong = major < 11, major >= 10
        creation = "EXPLICIT_BATCH" * self.weak + " STRONGLY_TYPED" * self.strong
        flags = "FP16 INT8 " * self.weak + "DEBUG GPU_FALLBACK REFIT TF32"
        self.NetworkDefinitionCreationFlag = enumeration("NetworkDefinitionCreationFlag", creation)
        self.BuilderFlag = enumeration("BuilderFlag", flags)

    def cache_header(self):
        return f"stand-in timing cache {self.version}".encode()

    def refusal(self, network, config):
        """Why a build gives nothing; None: it gives an engine."""
        flags = config._flags & {"FP16", "INT8"}
        if network._strong and flags:
            return "precision flags are not allowed in a strongly typed network"
        if "QuantizeLinear" in network._kinds and not network._strong and "INT8" not in flags:
            return "network has Q/DQ layers, but the INT8 flag is not set"
        if any(-1 in tensor.shape for tensor in network._tensors[0]):
            return "network has dynamic inputs, but no optimization profile"
        return self.faults.refuse.get(network._precision(config._flags))

    def suffer(self, precision):
        time.sleep(self.faults.wait_s)
        if precision in self.faults.kill:
            os.kill(os.getpid(), signal.SIGKILL)

    def header(self):
        """Beginning of an engine: TensorRT's mark and its own version."""
        numbers = [int(part) for part in self.version.split(".")] + [0]
        return struct.pack("<II16x4B", MAGIC, 0, *numbers[:4])

    def serialise(self, network, config):
        """An engine of the stand-in: TensorRT's header, then JSON, then the graph itself."""
        sides = zip(("INPUT", "OUTPUT"), network._tensors, strict=True)
        described = {
            "flags": sorted(config._flags),
            "strong": network._strong,
            "level": config.builder_optimization_level,
            "pools": config._pools,
            "precision": network._precision(config._flags),
            "tensors": [
                (t.name, mode, t.dtype.name, t.shape) for mode, side in sides for t in side
            ],
        }
        text = json.dumps(described).encode()
        return self.header() + struct.pack("<I", len(text)) + text + network._content


def described(plan):
    """What an engine of the stand-in says about how it was built."""
    length = struct.unpack_from("<I", plan, 28)[0]
    return json.loads(plan[32 : 32 + length])


def make(version="10.3.0", faults=None):
    """The module ``tensorrt`` of one release."""
    release = Release(version, faults or Faults())
    trt = ModuleType("tensorrt", "stand-in")
    trt.__version__ = version
    for name in SHARED.split():
        homes = [home for home in (objects, engines, contexts) if hasattr(home, name)]
        setattr(trt, name, getattr(homes[0], name))
    trt.NetworkDefinitionCreationFlag = release.NetworkDefinitionCreationFlag
    trt.BuilderFlag = release.BuilderFlag
    trt.IBuilderConfig = objects.IBuilderConfig
    trt.Builder = type("Builder", (objects.Builder,), {"_release": release})
    trt.Runtime = type("Runtime", (engines.Runtime,), {"_release": release})
    if release.strong:
        trt.IProgressMonitor = objects.IProgressMonitor
    return trt
