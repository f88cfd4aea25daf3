"""Kernels on a CUDA device: time on its own timeline, bytes per second, one frame end to end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.gpu_volume import tile_jobs, volume_jobs
from sdk import Frame, Mask, _native, kernels
from sdk.backends import Backend
from sdk.kernels import to_device
from sdk.tasks import AngiogramQuality
from sdk.upload import FrameUpload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sdk import Vessels
    from sdk.tensors import TensorSpec

Job = tuple[str, "Callable[[], object]", int]
"""A name, a call, and the bytes that it must read and write at least."""

WARM = 3


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What is measured, and how often."""

    side: int = 1024
    """Rows and columns of the frame."""
    volume: tuple[int, int, int] = (72, 448, 512)
    """Slices, rows and columns."""
    boxes: int = 1000
    """For nms and the anatomical filter."""
    anchors: int = 200_000
    """Of the detection head."""
    tile: int = 128
    """Voxels along each side of a detector's tile."""
    patch: tuple[int, int, int] = (16, 64, 64)
    """Of the regions network."""
    copied_bytes: int = 1 << 28
    """From device memory to device memory, for the copy rate."""
    repeats: int = 21
    """Of which the median is taken."""


def device_ms(call: Callable[[], object], repeats: int) -> float:
    """Median milliseconds between two events around the call, waits for the host included."""
    clock, times = _native.DeviceClock(), []
    for turn in range(repeats + WARM):
        clock.start()
        call()
        ms = clock.stop()
        if turn >= WARM:
            times.append(ms)
    return median(times)


def copy_rate(sizes: Sizes) -> float:
    """Bytes per second that the device reads and writes where it only copies."""
    size = sizes.copied_bytes
    here, there = (_native.DeviceArray((size,), np.uint8) for _ in range(2))
    here.copy_from(np.zeros(size, np.uint8))
    return 2 * size / device_ms(lambda: there.copy_from(here), sizes.repeats) * 1e3


def angiogram(rng: np.random.Generator, side: int) -> tuple[Any, Any]:
    """A frame of noise with dark discs, and logits that find the discs."""
    rows, columns = np.indices((side, side))
    discs = np.zeros((side, side), bool)
    for row, column, radius in rng.uniform((0, 0, 2), (side, side, side / 20), (40, 3)):
        discs |= (rows - row) ** 2 + (columns - column) ** 2 < radius**2
    frame = (rng.normal(2000, 60, (side, side)) - 600 * discs).astype(np.uint16)
    logits = np.where(discs, 2, -2) + rng.normal(0, 0.5, (side, side))
    return frame, logits[::2, ::2].astype(np.float32)


def pixel_jobs(frame: Any, logits: Any) -> list[Job]:
    """Kernels of one frame that answer with an image."""
    pixels, half = frame.size, logits.size
    here, mask, found = to_device(frame), to_device(np.roll(frame, 3, 0)), to_device(logits)
    vessels = to_device(np.zeros(frame.shape, np.uint8))
    lowest, network_input = to_device(frame), to_device(logits)
    rgb = to_device(np.zeros((*frame.shape, 3), np.uint8))
    counting, subtraction = kernels.ThresholdWorkspace(), kernels.Subtraction(log=True)
    style = kernels.OverlayStyle(low=0, high=4095, outline_px=1)
    return [
        ("min_projection", lambda: kernels.min_projection(here, lowest), 6 * pixels),
        (
            "subtract, log, half size",
            lambda: kernels.subtract(here, network_input, mask=mask, options=subtraction),
            4 * pixels + 4 * half,
        ),
        (
            "threshold",
            lambda: kernels.threshold(found, 0.0, out=vessels, workspace=counting),
            4 * half + pixels,
        ),
        ("overlay, outlined", lambda: kernels.overlay(here, vessels, style, out=rgb), 6 * pixels),
    ]


def component_jobs(frame: Any, logits: Any) -> list[Job]:
    """Kernels that label and edit the mask of one frame."""
    pixels, workspace = frame.size, kernels.ComponentsWorkspace()
    vessels = to_device(np.zeros(frame.shape, np.uint8))
    labels = to_device(np.zeros(frame.shape, np.int32))
    kernels.threshold(to_device(logits), 0.0, out=vessels)
    return [
        ("components", lambda: kernels.components(vessels, workspace=workspace), pixels),
        (
            "components, labels",
            lambda: kernels.components(vessels, labels=labels, workspace=workspace),
            5 * pixels,
        ),
        (
            "remove_small",
            lambda: kernels.remove_small(vessels, 20, workspace=workspace),
            2 * pixels,
        ),
        ("fill_holes", lambda: kernels.fill_holes(vessels, workspace=workspace), 2 * pixels),
    ]


def number_jobs(frame: Any) -> list[Job]:
    """Kernels of one frame that answer with a few numbers."""
    pixels, here, mask = frame.size, to_device(frame), to_device(np.roll(frame, 3, 0))
    statistics, moving = kernels.PercentileWorkspace(), kernels.ShiftWorkspace()
    return [
        (
            "percentiles 1, 99",
            lambda: kernels.percentiles(here, (1, 99), workspace=statistics),
            2 * pixels,
        ),
        (
            "estimate_shift",
            lambda: kernels.estimate_shift(mask, here, workspace=moving),
            4 * pixels,
        ),
        ("noise_level", lambda: kernels.noise_level(here, workspace=statistics), 2 * pixels),
    ]


class Still(Backend):
    """Stands in for a network on the device: its outputs lie there already, and never change."""

    def __init__(self, task: AngiogramQuality, vessels: Any) -> None:
        stream = _native.DeviceStream()
        self.name, self._stream = "stand-in-cuda", stream

        def tensors(specs: Iterable[TensorSpec]) -> dict[str, Any]:
            made = {s.name: _native.DeviceArray(s.shape, s.dtype, stream.handle) for s in specs}
            for tensor in made.values():
                tensor.clear()
            return made

        self.inputs, self.outputs = tensors(task.inputs), tensors(task.outputs)
        self.outputs["vessels"].copy_from(vessels[None, None])

    def run(self) -> None:
        """Everything is there."""

    def close(self) -> None:
        """Nothing to release."""


def pipeline_ms(frame: Any, logits: Any, repeats: int) -> dict[str, float]:
    """Median milliseconds of one frame through a task on the device, as a session takes it there.

    Upload, percentiles, subtraction, threshold, components, and the small answers back, with one
    wait. ``frame on the device`` leaves the upload out, ``mask looked at`` copies the mask too. The
    network is missing.
    """
    task = AngiogramQuality(size=logits.shape)
    backend, upload = Still(task, logits), FrameUpload()
    mask = Mask(pixels=to_device(np.roll(frame, 3, 0)))
    host = Frame(pixels=frame, mask=mask)
    there = Frame(pixels=to_device(frame), mask=mask)

    def answer(given: Frame) -> Vessels:
        seen = upload(given, backend.inputs)
        task.preprocess(seen, backend.inputs)
        backend.run()
        return task.postprocess(backend.outputs, seen).vessels

    jobs: dict[str, Callable[[], object]] = {
        "frame in host memory": lambda: answer(host),
        "frame on the device": lambda: answer(there),
        "frame in host memory, mask looked at": lambda: answer(host).mask,
    }
    return {name: host_ms(job, repeats) for name, job in jobs.items()}


def host_ms(call: Callable[[], object], repeats: int) -> float:
    """Median milliseconds of a call on the host's clock."""
    times = []
    for _ in range(repeats + WARM):
        start = perf_counter()
        call()
        times.append((perf_counter() - start) * 1e3)
    return median(times[WARM:])


def frame_ms(frame: Any, logits: Any, repeats: int) -> float:
    """Median milliseconds of one frame: up, subtract, threshold, components, overlay, down.

    Kernel by kernel, each waiting for its answer. The network is missing: logits that already lie
    on the device take its place.
    """
    here, mask, found = to_device(frame), to_device(frame), to_device(logits)
    network_input = to_device(logits)
    vessels = to_device(np.zeros(frame.shape, np.uint8))
    rgb = to_device(np.zeros((*frame.shape, 3), np.uint8))
    components, counting = kernels.ComponentsWorkspace(), kernels.ThresholdWorkspace()
    subtraction = kernels.Subtraction(log=True)
    style = kernels.OverlayStyle(low=0, high=4095, outline_px=1)

    def answer() -> None:
        here.copy_from(frame)
        kernels.subtract(here, network_input, mask=mask, options=subtraction)
        kernels.threshold(found, 0.0, out=vessels, workspace=counting)
        kernels.remove_small(vessels, 20, workspace=components)
        kernels.components(vessels, workspace=components)
        kernels.overlay(here, vessels, style, out=rgb)
        rgb.numpy()

    return host_ms(answer, repeats)


def measure(sizes: Sizes) -> dict[str, Any]:
    """Every kernel, the device's copy rate, and a frame end to end."""
    rng = np.random.default_rng(0)
    rate = copy_rate(sizes)
    frame, logits = angiogram(rng, sizes.side)
    rows = []
    jobs = [*pixel_jobs(frame, logits), *component_jobs(frame, logits), *number_jobs(frame)]
    jobs += [*volume_jobs(rng, sizes), *tile_jobs(rng, sizes)]
    for name, call, least_bytes in jobs:
        ms = device_ms(call, sizes.repeats)
        achieved = least_bytes / ms * 1e3
        rows.append(
            {"kernel": name, "ms": ms, "bytes_per_s": achieved, "of_copy_rate": achieved / rate}
        )
    return {
        "sizes": asdict(sizes),
        "copy_bytes_per_s": rate,
        "kernels": rows,
        "frame_end_to_end_ms": frame_ms(frame, logits, sizes.repeats),
        "device_pipeline_ms": pipeline_ms(frame, logits, sizes.repeats),
    }
