"""What the TensorRT at hand can do, told from the names it offers, never from its version."""

from dataclasses import dataclass

from sdk.engines.library import Module
from sdk.errors import BackendError


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The differences between TensorRT 8.6 and 11.4 that building and running must know.

    A branch on one of these fields is understood by tests/tensorrt_api: what stands under it is
    looked for only in the releases for which it holds.

    Attributes:
        needs_explicit_batch: networks must be created with EXPLICIT_BATCH (8.x).
        strong_typing: networks can be created with STRONGLY_TYPED (10 and newer).
        weak_typing: precision can be left to builder flags (up to 10).
        progress: a build reports its progress (10 and newer).
    """

    needs_explicit_batch: bool
    strong_typing: bool
    weak_typing: bool
    progress: bool


def generation_of(trt: Module) -> Generation:
    """Looks at the names of a TensorRT module.

    Raises:
        BackendError: it is too old for the tensors API, or for limits on a build's memory.
    """
    needed = {
        "IExecutionContext.execute_async_v3": trt.IExecutionContext,
        "ICudaEngine.num_io_tensors": trt.ICudaEngine,
        "IBuilderConfig.builder_optimization_level": trt.IBuilderConfig,
    }
    for name, owner in needed.items():
        if not hasattr(owner, name.split(".")[1]):
            raise BackendError(
                f"TensorRT {trt.__version__} has no {name}; expected 8.6 or newer, which comes "
                "with JetPack 6.0"
            )
    creation = trt.NetworkDefinitionCreationFlag
    strong = hasattr(creation, "STRONGLY_TYPED")
    return Generation(
        needs_explicit_batch=hasattr(creation, "EXPLICIT_BATCH") and not strong,
        strong_typing=strong,
        weak_typing=hasattr(trt.BuilderFlag, "FP16"),
        progress=hasattr(trt, "IProgressMonitor"),
    )
