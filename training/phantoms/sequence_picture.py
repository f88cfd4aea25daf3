"""Sheet of phantom DSA sequences: `python -m training.phantoms.sequence_picture sheet.png`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sdk.tasks import ArterySequence
from training.phantoms.artery_sequence import phantom_sequence
from training.phantoms.sheet import write_sheet
from training.preprocess import frames_of, sequence_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE = 176
"""Side of one frame on the sheet in pixels."""
FRAMES = 5
CAPTION = (0, 90, 230)


def contact_sheet(seed: int, rows: int = 4) -> NDArray[np.uint8]:
    """Sequences one below the other: frames as the network sees them, their minimum, the truth.

    Returns (rows, columns, 3) in BGR.
    """
    return np.vstack([_row(seed + index) for index in range(rows)])


def _row(seed: int) -> NDArray[np.uint8]:
    run = phantom_sequence(seed)
    inputs = sequence_input(frames_of(run))
    chosen = np.linspace(0, len(inputs) - 1, FRAMES).round().astype(int).tolist()
    tiles = [_captioned(_grey(inputs[index]), f"frame {index}") for index in chosen]
    tiles.append(_captioned(_grey(inputs.min(0)), "minimum"))
    tiles.append(_small(run.vessels[1:].max(0) * np.uint8(255)))
    return np.hstack(tiles)


def _grey(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = ArterySequence.limits
    return _small(np.asarray((image - low) * (255 / (high - low)), np.uint8))


def _small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    tile = cv2.resize(image, (TILE, TILE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(tile, cv2.COLOR_GRAY2BGR), np.uint8)


def _captioned(tile: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    cv2.putText(tile, text, (5, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, CAPTION, 1, cv2.LINE_AA)
    return tile


if __name__ == "__main__":
    write_sheet(contact_sheet)
