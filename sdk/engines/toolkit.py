"""The device, its TensorRT, and what this TensorRT can do: found in the one safe order."""

import platform
from dataclasses import dataclass

from sdk.engines.driver import Device, probe_device
from sdk.engines.generation import Generation, generation_of
from sdk.engines.library import Module, load_tensorrt
from sdk.engines.sidecar import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolkit:
    """What building and running engines needs.

    Attributes:
        device: the first CUDA device.
        trt: the module ``tensorrt``.
        generation: what that module can do.
    """

    device: Device
    trt: Module
    generation: Generation

    def machine(self) -> Machine:
        """What an engine built here is bound to."""
        return Machine(
            tensorrt=str(self.trt.__version__),
            gpu=self.device.name,
            sm=self.device.sm,
            l4t=self.device.l4t,
            architecture=platform.machine(),
        )


def open_toolkit() -> Toolkit:
    """Probes the driver, and only then imports TensorRT.

    Raises:
        BackendError: there is no driver, no device, no TensorRT, or one that is too old.
    """
    device = probe_device()
    trt = load_tensorrt()
    return Toolkit(device=device, trt=trt, generation=generation_of(trt))
