"""Which frames of a run are subtracted from which: the DICOM Mask module, made causal."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from sdk.errors import FrameError
from sdk.frame import Frame, Mask
from sdk.mask_subtraction import MaskOperation, MaskSubtraction

Position = tuple[float, ...]
STILL = 0.2
"""Encoders are noisy: table and gantry stand still while no number differs by more, in mm or
degrees."""
MOVED = "it stays native: table or gantry moved after its mask was taken"
LOST = "it stays native: a frame of its mask did not come"


class _Held(NamedTuple):
    pixels: Any
    position: Position


class _Made(NamedTuple):
    mask: Mask
    position: Position


class Subtractor:
    """Gives every frame of a run its mask, seeing only the frames that came before it.

    The first item that applies to a frame counts. A mask exists from its last frame on, that frame
    included; before, and if one of its frames never comes, frames stay native. A mask in the future
    (a negative TID offset) never exists. One mask object is shared by all frames that use it.

    Averages are integer means of stored values, rounded half up. ContrastFrameAveraging looks ahead
    in DICOM; here it trails: the pixels of a frame with a mask become the average of it and the
    frames just before it, as far as the item applies to them and nothing moved. Without it, pixels
    are passed on untouched.

    Pixels that are needed again are kept as they are if they are read-only, and copied otherwise.

    Attributes:
        items: what is subtracted from what.
    """

    def __init__(self, items: Sequence[MaskSubtraction] = ()) -> None:
        self.items = tuple(items)
        self.reset()

    def reset(self) -> None:
        """Forgets the run; the next frame starts another."""
        self._held: dict[int, _Held] = {}
        self._averaged: dict[MaskSubtraction, _Made] = {}
        self._kind = ""
        self._newest = -1

    @property
    def frames_held(self) -> int:
        """How many frames are kept in memory now, averaged masks not counted."""
        return len(self._held)

    def sources(self, index: int) -> tuple[int, ...]:
        """The frames a frame's answer depends on, ascending, itself last.

        Attaching only these gives the frame the same bits as attaching the whole run.
        """
        item = self._item_of(index)
        if item is None:
            return (index,)
        masks = item.masks_of(index)
        if not masks or min(masks) < 0 or max(masks) > index:
            return (index,)
        return tuple(sorted({*masks, *item.window_of(index)}))

    def attach(self, frame: Frame, *, position: Position = ()) -> Frame:
        """Gives a frame its mask; frames must come in order, gaps are allowed.

        Args:
            frame: the next frame of the run, in host memory if it is needed again.
            position: where table and gantry are, in mm and degrees. A mask that was taken
                elsewhere is not attached, see `STILL`.

        Returns:
            The frame with its mask, or as it is where none is due yet; where there should be one
            and is not, its notes say why.

        Raises:
            FrameError: a frame that is out of order, has a mask already, has another size or
                dtype than the run, or is needed again and lies in device memory.
        """
        self._check(frame)
        self._newest = frame.index
        self._hold(frame, position)
        self._average_masks(frame.index)
        subtracted = self._subtract(frame, position)
        self._forget(frame.index)
        return subtracted

    def _check(self, frame: Frame) -> None:
        if frame.index <= self._newest:
            raise FrameError(
                f"frame {frame.index} came after frame {self._newest}: frames must come in order; "
                "call reset() before another run"
            )
        if frame.mask is not None:
            raise FrameError(f"frame {frame.index} has a mask already; attach to native frames")
        device = getattr(frame.pixels, "__cuda_array_interface__", None)
        dtype = np.dtype(device["typestr"]) if device else frame.pixels.dtype
        kind = f"{dtype} {frame.shape}"
        self._kind = self._kind or kind
        if kind != self._kind:
            raise FrameError(
                f"frame {frame.index} is {kind}, but the run began with {self._kind}; "
                "call reset() before another run"
            )

    def _item_of(self, index: int) -> MaskSubtraction | None:
        return next((item for item in self.items if item.applies_to(index)), None)

    def _hold(self, frame: Frame, position: Position) -> None:
        uses = [item.last_use(frame.index) for item in self.items]
        if max(uses, default=-1) >= frame.index:
            self._held[frame.index] = _Held(_kept(frame), position)

    def _forget(self, index: int) -> None:
        for held in list(self._held):
            if all(item.last_use(held) <= index for item in self.items):
                del self._held[held]

    def _average_masks(self, index: int) -> None:
        for item in self.items:
            if item.operation is MaskOperation.AVG_SUB and index == max(item.mask_frames):
                made = self._make(item, item.mask_frames)
                if made is not None:
                    self._averaged[item] = made

    def _make(self, item: MaskSubtraction, frames: tuple[int, ...]) -> _Made | None:
        held = [self._held[index] for index in frames if index in self._held]
        if len(held) < len(frames) or any(_apart(h.position, held[0].position) for h in held):
            return None
        pixels = _average([h.pixels for h in held])
        mask = Mask(pixels=pixels, shift_px=item.shift_px, frame_indices=frames)
        return _Made(mask, held[0].position)

    def _subtract(self, frame: Frame, position: Position) -> Frame:
        item = self._item_of(frame.index)
        if item is None or item.operation is MaskOperation.NONE:
            return frame
        if item.operation is MaskOperation.AVG_SUB:
            made = self._averaged.get(item)
        else:
            made = self._make(item, item.masks_of(frame.index))
        if made is None:
            lost = -1 < max(item.masks_of(frame.index)) < frame.index
            return replace(frame, notes=(*frame.notes, LOST)) if lost else frame
        if _apart(made.position, position):
            return replace(frame, notes=(*frame.notes, MOVED))
        if item.contrast_frames == 1:
            return replace(frame, mask=made.mask)
        return replace(frame, mask=made.mask, pixels=self._trailing(item, frame, position))

    def _trailing(self, item: MaskSubtraction, frame: Frame, position: Position) -> Any:
        pixels = []
        for index in reversed(item.window_of(frame.index)):
            held = self._held.get(index)
            if held is None or _apart(held.position, position) or not item.applies_to(index):
                break
            pixels.append(held.pixels)
        return _average(pixels)


def _apart(one: Position, other: Position) -> bool:
    if len(one) != len(other):
        return True
    return any(abs(a - b) > STILL for a, b in zip(one, other, strict=True))


def _kept(frame: Frame) -> Any:
    """Host pixels that nobody will write to."""
    if hasattr(frame.pixels, "__cuda_array_interface__"):
        raise FrameError(
            f"frame {frame.index} is needed for a mask but lies in device memory; "
            "give the frame its own Mask on the device, or pass host pixels"
        )
    pixels = np.asarray(frame.pixels)
    if pixels.flags.writeable:
        pixels = pixels.copy()
        pixels.flags.writeable = False
    return pixels


def _average(pixels: list[Any]) -> Any:
    """The mean of same-sized images, rounded half up to their dtype."""
    if len(pixels) == 1:
        return pixels[0]
    total = np.full(pixels[0].shape, len(pixels) // 2, np.uint32)
    for image in pixels:
        total += image
    total //= len(pixels)
    mean = total.astype(pixels[0].dtype)
    mean.flags.writeable = False
    return mean
