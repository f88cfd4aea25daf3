"""From phantoms to the network's input by the device's own code, so that both see the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sdk.frame import Frame, Intensity, Mask
from sdk.tasks import AngiogramQuality, ArterySequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.phantoms.angiogram import PhantomFrame
    from training.phantoms.run import PhantomRun


def frame_of(phantom: PhantomFrame) -> Frame:
    """A phantom as the device meets it."""
    mask = None if phantom.mask is None else Mask(pixels=phantom.mask)
    return Frame(pixels=phantom.pixels, mask=mask, intensity=Intensity(phantom.relationship))


def network_input(phantom: PhantomFrame, size: int = 512) -> NDArray[np.float32]:
    """(size, size) in [0, 1], as `sdk.tasks.AngiogramQuality` prepares a phantom."""
    return native_input(frame_of(phantom), size)


def native_input(frame: Frame, size: int = 512) -> NDArray[np.float32]:
    """(size, size) in [0, 1], as `sdk.tasks.AngiogramQuality` prepares a frame."""
    image = np.zeros((size, size), np.float32)
    AngiogramQuality(size=(size, size)).preprocess(frame, {"frame": image[None, None]})
    return image


def frames_of(run: PhantomRun) -> list[Frame]:
    """A phantom run as the device meets it: from its second frame on, the first one subtracted."""
    mask = Mask(pixels=run.pixels[0], frame_indices=(0,))
    return [
        Frame(
            pixels=run.pixels[index],
            index=index,
            time_ms=index * run.frame_time_ms,
            pixel_spacing_mm=run.pixel_spacing_mm,
            bits_stored=12,
            mask=mask,
        )
        for index in range(1, len(run.pixels))
    ]


def sequence_input(frames: Sequence[Frame], size: int = 512) -> NDArray[np.float32]:
    """(T, size, size), as `sdk.tasks.ArterySequence` prepares the frames of a run."""
    task = ArterySequence(size=(size, size))
    images = np.zeros((len(frames), size, size), np.float32)
    for frame, image in zip(frames, images, strict=True):
        task.preprocess(frame, {"frame": image[None, None]})
    return images
