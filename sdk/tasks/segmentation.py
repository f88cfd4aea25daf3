"""Where are the vessels, by a network the vendor brings?"""

from dataclasses import dataclass, field
from math import isfinite
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.frame import Frame
from sdk.geometry import step_between
from sdk.tasks.base import Task
from sdk.tasks.normalise import Normaliser
from sdk.tasks.vessels import VesselReader, Vessels, dice, logit_of
from sdk.tensors import Tensors, TensorSpec

Layout = Literal["NCHW", "NHWC"]
Values = Literal["logits", "sigmoid", "softmax"]
SMALLEST_SIDE = 8
"""Pixels along a side of the smallest picture that a network is given."""


@dataclass(kw_only=True)
class Segmentation(Task[Vessels]):
    """Segments with any network that takes one float image and gives one float map.

    The frame is windowed between two percentiles, scaled to `low`..`high`, and given to every
    channel of the input.

    Attributes:
        input_name: name of the graph's input.
        input_shape: its shape, static, batch of 1.
        input_dtype: float32 or float16.
        output_name: name of the graph's output that holds the map.
        output_shape: its shape; rows and columns may differ from the input's.
        output_dtype: float32 or float16.
        layout: order of the axes of both tensors.
        values: what the map holds: logits, or probabilities after a sigmoid or softmax. Logits of
            several channels are taken as softmax logits.
        channel: which channel of the map is the vessels.
        percentiles: of the frame's values, they become `low` and `high`.
        low: input value of the lower percentile; above `high`, the contrast is inverted.
        high: input value of the upper percentile.
        threshold: probability from which a pixel is vessel.
        min_tree_fraction: smallest vessel tree kept, as a fraction of the frame's pixels.
    """

    name: ClassVar[str] = "segmentation"

    input_name: str
    input_shape: tuple[int, int, int, int]
    input_dtype: str = "float32"
    output_name: str
    output_shape: tuple[int, int, int, int]
    output_dtype: str = "float32"
    layout: Layout = "NCHW"
    values: Values = "logits"
    channel: int = 0
    percentiles: tuple[float, float] = (1.0, 99.0)
    low: float = 0.0
    high: float = 1.0
    threshold: float = 0.5
    min_tree_fraction: float = 0.0
    _normalise: Normaliser = field(init=False, repr=False)
    _vessels: VesselReader = field(init=False, repr=False)
    _image: NDArray[np.float32] = field(init=False, repr=False)
    _plane: NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.input_shape = _four(self.input_shape, "input_shape")
        self.output_shape = _four(self.output_shape, "output_shape")
        self._check()
        self._image = np.empty(_size(self.input_shape, self.layout), np.float32)
        self._plane = np.empty(_size(self.output_shape, self.layout), np.float32)
        span = (self.low, self.high)
        step = step_between(self._image.shape, self._plane.shape)
        self._normalise = Normaliser(self._image.shape, self.percentiles, span, self.low, step)
        logit = logit_of(self.threshold)
        level = logit if self.values == "logits" else self.threshold
        self._vessels = VesselReader(level, self.min_tree_fraction)

    def _check(self) -> None:
        if self.layout not in get_args(Layout) or self.values not in get_args(Values):
            raise ValueError(
                f"layout must be one of {get_args(Layout)} and values one of {get_args(Values)}, "
                f"got {self.layout!r} and {self.values!r}"
            )
        channels = self._channels(self.output_shape)
        if not 0 <= self.channel < channels:
            raise ValueError(
                f"channel must be one of the output's {channels}, counted from 0, "
                f"got {self.channel}"
            )
        self._check_values()
        if min(self.frame_size) < SMALLEST_SIDE:
            raise ValueError(
                f"frames of {self.frame_size[0]} x {self.frame_size[1]} pixels are no images; the "
                f"input has shape {self.input_shape} in the layout {self.layout}, check that it "
                f"is not {next(item for item in get_args(Layout) if item != self.layout)}"
            )

    def _check_values(self) -> None:
        lower, upper = self.percentiles
        if not 0.0 <= lower < upper <= 100.0:
            raise ValueError(f"percentiles must rise within 0..100, got {lower:g} and {upper:g}")
        if not (isfinite(self.low) and isfinite(self.high)) or self.low == self.high:
            raise ValueError(
                f"low and high must be two different finite numbers, got {self.low} and {self.high}"
            )

    def _channels(self, shape: tuple[int, int, int, int]) -> int:
        return shape[1] if self.layout == "NCHW" else shape[3]

    @property
    def on_device(self) -> bool:
        """Where no tensor needs a conversion: float32, one channel in, one map out."""
        dtypes = {self.input_dtype, self.output_dtype}
        return dtypes == {"float32"} and not self._mixes_channels and self._one_channel_in

    @property
    def _one_channel_in(self) -> bool:
        return self._channels(self.input_shape) == 1

    @property
    def _mixes_channels(self) -> bool:
        """Logits of several channels compete, and NHWC puts their values side by side."""
        several = self._channels(self.output_shape) > 1
        return several and (self.values == "logits" or self.layout == "NHWC")

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return (TensorSpec(self.input_name, self.input_shape, self.input_dtype),)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return (TensorSpec(self.output_name, self.output_shape, self.output_dtype),)

    @property
    def frame_size(self) -> tuple[int, int]:
        return _size(self.input_shape, self.layout)

    def preprocess(self, frame: Frame, inputs: Tensors) -> None:
        tensor = inputs[self.input_name]
        if self.on_device:
            self._normalise(frame, tensor.reshape(self._image.shape))
            return
        self._normalise(frame, self._image)
        channels_first = _channels_first(tensor, self.layout)
        channels_first[...] = self._image

    def postprocess(self, outputs: Tensors, frame: Frame) -> Vessels:
        tensor = outputs[self.output_name]
        if self.on_device:
            channels = self._channels(self.output_shape)
            plane = tensor.reshape((channels, *self._plane.shape))[self.channel]
        else:
            plane = self._vessel_plane(_channels_first(tensor, self.layout))
        placement = self._normalise.placement(frame.shape).at(self._plane.shape)
        reading = self._vessels.read(plane, placement, frame)
        kernels.wait(plane)
        self._normalise.check(frame)
        return reading.vessels()

    def agreement(self, expected: Vessels, got: Vessels) -> dict[str, float]:
        return {"dice": dice(expected.mask, got.mask)}

    def _vessel_plane(self, channels: NDArray[Any]) -> NDArray[np.float32]:
        wanted: NDArray[np.float32] = channels[self.channel]
        if self.values == "logits" and len(channels) > 1:
            rest = np.delete(channels, self.channel, axis=0).astype(np.float32)
            np.subtract(wanted, np.logaddexp.reduce(rest, axis=0), out=self._plane)
            return self._plane
        if wanted.dtype == np.float32 and wanted.flags.c_contiguous:
            return wanted
        np.copyto(self._plane, wanted)
        return self._plane


def _channels_first(tensor: NDArray[Any], layout: Layout) -> NDArray[Any]:
    image: NDArray[Any] = tensor[0]
    return image if layout == "NCHW" else image.transpose(2, 0, 1)


def _size(shape: tuple[int, int, int, int], layout: Layout) -> tuple[int, int]:
    return (shape[2], shape[3]) if layout == "NCHW" else (shape[1], shape[2])


def _four(shape: tuple[int, ...], name: str) -> tuple[int, int, int, int]:
    if len(shape) != 4 or shape[0] != 1 or min(shape) < 1:
        raise ValueError(f"{name} must be 4 positive extents with a batch of 1, got {shape}")
    return shape[0], shape[1], shape[2], shape[3]
