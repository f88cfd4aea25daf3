"""From phantoms to the network's input by the device's own code, so that both see the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sdk.frame import Frame, Intensity, Mask
from sdk.tasks import AngiogramQuality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.phantoms.angiogram import PhantomFrame


def frame_of(phantom: PhantomFrame) -> Frame:
    """A phantom as the device meets it."""
    mask = None if phantom.mask is None else Mask(pixels=phantom.mask)
    return Frame(pixels=phantom.pixels, mask=mask, intensity=Intensity(phantom.relationship))


def network_input(phantom: PhantomFrame, size: int = 512) -> NDArray[np.float32]:
    """(size, size) in [0, 1], as `sdk.tasks.AngiogramQuality` prepares a frame."""
    image = np.zeros((size, size), np.float32)
    AngiogramQuality(size=(size, size)).preprocess(frame_of(phantom), {"frame": image[None, None]})
    return image
