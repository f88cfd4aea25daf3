"""One outcome as a picture: the frame as a person would window it, vessels outlined, a caption."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sdk import kernels
from sdk.frame import Frame
from sdk.kernels import OverlayStyle
from sdk.outcome import Outcome
from sdk.pictures.lettering import Picture, strip, write
from sdk.report import grade_of, vessels_of
from sdk.tasks.normalise import reading_of

DISPLAY_PERCENTILES = (0.5, 99.5)
GRADE_COLOURS = {"good": (80, 200, 90), "acceptable": (240, 190, 40), "poor": (235, 70, 60)}
NO_GRADE_COLOUR = (90, 170, 255)
CAPTION_HEIGHT = 26
JPEG_QUALITY = 88


def draw_outcome(outcome: Outcome[Any], side: int) -> Picture:
    """Draws an RGB picture (side + caption, side, 3), aspect kept.

    A frame with a mask is shown subtracted, as a person would read it. The outline takes the colour
    of the grade; a frame without an answer is shown without one.
    """
    frame, vessels = outcome.frame, vessels_of(outcome.answer)
    pixels, (low, high) = shown_of(frame)
    style = OverlayStyle(
        low=low,
        high=high if high != low else low + 1,
        alpha=1.0,
        outline_px=1 if max(frame.shape) <= 512 else 2,
    )
    mask = np.zeros(frame.shape, np.uint8) if vessels is None else vessels.mask
    colours = np.array([colour_of(outcome)], np.uint8)
    picture = kernels.overlay(pixels, mask, style, colours=colours)
    return np.vstack([_fit(picture, side), _caption(outcome, side)])


def shown_of(frame: Frame) -> tuple[NDArray[Any], tuple[float, float]]:
    """(rows, columns) values to show of a frame, and the window: the values of black and white."""
    return _native(frame) if frame.mask is None else _subtracted(frame)


def colour_of(outcome: Outcome[Any]) -> tuple[int, int, int]:
    """RGB of the outcome's grade."""
    return GRADE_COLOURS.get(grade_of(outcome.answer), NO_GRADE_COLOUR)


def caption_of(outcome: Outcome[Any]) -> str:
    """Identity, grade and vessel area in one line."""
    parts = [f"frame {outcome.frame.index}"]
    vessels = vessels_of(outcome.answer)
    if outcome.answer is None:
        parts.append(outcome.status.value)
    if grade_of(outcome.answer):
        parts.append(grade_of(outcome.answer))
    if vessels is not None:
        area = vessels.area_mm2
        parts.append(f"{vessels.area_px} px" if area is None else f"{area:.0f} mm2")
    return "  ".join(parts)


def encode_jpeg(picture: Picture) -> bytes:
    """An RGB picture as JPEG that keeps thin coloured lines as sharp as grey ones."""
    options = (
        cv2.IMWRITE_JPEG_QUALITY,
        JPEG_QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return encoded.tobytes()


def save_png(picture: Picture, path: Any) -> None:
    """Writes an RGB picture as PNG.

    Raises:
        OSError: the file cannot be written.
    """
    if not cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
        raise OSError(f"cannot write {path}; is the folder there and writable?")


def _native(frame: Frame) -> tuple[NDArray[Any], tuple[float, float]]:
    """The stored pixels, and the window that shows them dark where the beam was weak."""
    low, high = kernels.percentiles(
        frame.pixels, DISPLAY_PERCENTILES, irradiated=frame.irradiated
    ).values
    return frame.pixels, (high, low) if frame.inverted else (low, high)


def _subtracted(frame: Frame) -> tuple[NDArray[Any], tuple[float, float]]:
    """The difference from the mask in 8 bits, and its window."""
    mask = None if frame.mask is None else frame.mask.pixels
    difference = np.empty(frame.shape, np.float32)
    kernels.subtract(frame.pixels, difference, mask=mask, options=reading_of(frame))
    low, high = kernels.percentiles(
        difference, DISPLAY_PERCENTILES, irradiated=frame.irradiated
    ).values
    scale = 255.0 / (high - low) if high > low else 0.0
    return np.clip((difference - low) * scale, 0.0, 255.0).astype(np.uint8), (0.0, 255.0)


def _fit(picture: Picture, side: int) -> Picture:
    rows, columns = picture.shape[:2]
    scale = side / max(rows, columns)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((side, side, 3), np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas


def _caption(outcome: Outcome[Any], side: int) -> Picture:
    caption = strip(side, CAPTION_HEIGHT)
    scale = min(0.5, side / 560)
    write(caption, caption_of(outcome), (6, CAPTION_HEIGHT - 8), colour_of(outcome), scale)
    return caption
