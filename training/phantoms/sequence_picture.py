"""Sheet of phantom DSA sequences: `python -m training.phantoms.sequence_picture sheet.png`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from sdk.tasks import ArterySequence
from training.phantoms.artery_sequence import phantom_sequence
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


def main() -> None:
    """Write the sheet, coarse in brightness to keep it small."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=40)
    options = parser.parse_args()
    options.path.parent.mkdir(parents=True, exist_ok=True)
    coarse = (contact_sheet(options.seed) // 8 * 8 + 4).astype(np.uint8)
    cv2.imwrite(str(options.path), coarse, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
