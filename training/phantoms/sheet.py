"""The command line that every sheet of phantoms shares."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def write_sheet(draw: Callable[[int], NDArray[np.uint8]]) -> None:
    """Write the sheet, coarse in brightness to keep it small.

    `draw` gives (rows, columns, 3) in BGR from a seed.
    """
    parser = argparse.ArgumentParser(description="Write the sheet.")
    parser.add_argument("path", type=Path, help="a .png file")
    parser.add_argument("--seed", type=int, default=40, help="of the first phantom [40]")
    options = parser.parse_args()
    options.path.parent.mkdir(parents=True, exist_ok=True)
    coarse = (draw(options.seed) // 8 * 8 + 4).astype(np.uint8)
    if not cv2.imwrite(str(options.path), coarse, [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        parser.error(f"cannot write {options.path}; is the folder writable, and the suffix .png?")
