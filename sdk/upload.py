"""Frames, and parts of volumes, brought to where a network's tensors live."""

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from sdk import kernels
from sdk.errors import FrameError
from sdk.frame import Frame
from sdk.kernels import Upload
from sdk.tensors import Tensors


class FrameUpload:
    """Gives every frame as the task should see it; the caller's own frame is not touched.

    Where the tensors are NumPy's that is the frame itself. On a CUDA device, pixels, mask and
    shutter that lie there already are taken where they lie, and those in host memory are sent
    there; a mask or shutter that stays the same and is read-only is sent once.
    """

    def __init__(self) -> None:
        self._pixels, self._mask, self._irradiated = Upload(), Upload(), Upload()

    def __call__(self, frame: Frame, inputs: Tensors) -> Frame:
        """The frame beside the inputs it is going to fill; nothing is waited for.

        Raises:
            FrameError: it lies on the device and the inputs in host memory, or it cannot be sent.
        """
        beside = next(iter(inputs.values()), None)
        if not kernels.on_device(beside):
            return _in_host_memory(frame)
        try:
            mask = frame.mask
            return replace(
                frame,
                pixels=_sent(frame.pixels, beside, self._pixels),
                mask=mask and replace(mask, pixels=_sent(mask.pixels, beside, self._mask)),
                irradiated=_sent(frame.irradiated, beside, self._irradiated),
            )
        except (TypeError, ValueError) as error:
            raise FrameError(f"frame {frame.index}: {error}") from error


class VolumeUpload:
    """Gives the part of a volume that a tile is made of beside that tile.

    Where the tile is NumPy's that is the part itself. On a CUDA device the part is sent there, in
    memory that is used again: a whole volume would take more of it, and may not have come yet.
    """

    def __init__(self) -> None:
        self._images = Upload(), Upload(), Upload()

    def __call__(self, part: tuple[NDArray[Any], ...], tile: Any) -> tuple[Any, ...]:
        """The three images of a part beside the tile; nothing is waited for, until the next call.

        Raises:
            ValueError: an image is not C-contiguous along its rows.
        """
        if not kernels.on_device(tile):
            return part
        return tuple(upload(image, tile) for image, upload in zip(part, self._images, strict=True))


def _sent(image: Any, beside: Any, upload: Upload) -> Any:
    return image if image is None or kernels.on_device(image) else upload(image, beside)


def _in_host_memory(frame: Frame) -> Frame:
    images = (frame.pixels, frame.mask and frame.mask.pixels, frame.irradiated)
    if any(kernels.on_device(image) for image in images):
        raise FrameError(
            f"frame {frame.index} lies on a CUDA device, but this session works in host memory; "
            "open it with a backend on the device, or copy the frame to the host yourself"
        )
    return frame
