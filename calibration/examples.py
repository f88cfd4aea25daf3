"""Held-out frames as pictures: what FP32 outlines, and what the quantised graphs do."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calibration.agreement import Agreement, Measured
from calibration.frames import Selection, evenly
from calibration.play import Player
from sdk.outcome import Outcome, Status

SIDE = 256


@dataclass(frozen=True, kw_only=True)
class Example:
    """One frame, answered by several graphs side by side.

    Attributes:
        caption: frame, graphs and their agreement.
        jpeg_base64: the picture.
        size: its rows and columns.
    """

    caption: str
    jpeg_base64: str
    size: tuple[int, int]


def draw_examples(
    players: Mapping[str, Player],
    held_out: Selection,
    agreements: Mapping[tuple[str, str], Measured],
    count: int,
) -> list[Example]:
    """The frame on which the quantised graphs agree least with FP32, and others over the runs.

    Args:
        players: precision -> the graph with these frames, FP32 first.
        held_out: the frames that were compared.
        agreements: what came out, frame after frame.
        count: of the frames drawn.
    """
    reference, *others = players
    measured = [agreements[reference, name] for name in others]
    per_frame = [agreement.dice for agreement in measured if isinstance(agreement, Agreement)]
    if count == 0 or not per_frame:
        return []
    dice = np.min(per_frame, axis=0)
    shown = dict.fromkeys([int(dice.argmin()), *evenly(len(dice), min(count - 1, len(dice)))])
    return [_draw(players, held_out, index, float(dice[index])) for index in shown]


def _draw(players: Mapping[str, Player], held_out: Selection, index: int, dice: float) -> Example:
    from sdk.pictures.overlay import draw_outcome, encode_jpeg

    frame = held_out.frame(index)
    panels = []
    for precision, player in players.items():
        outcome = Outcome(
            frame=frame,
            status=Status.DELIVERED,
            answer=player.answer(index),
            stages_ms={},
            backend=precision,
        )
        panels.append(draw_outcome(outcome, SIDE))
    picture = np.hstack(panels)
    return Example(
        caption=f"{held_out.label(held_out.picks[index])}, left to right {', '.join(players)}; "
        f"least Dice {dice:.4f}",
        jpeg_base64=base64.b64encode(encode_jpeg(picture)).decode(),
        size=(picture.shape[0], picture.shape[1]),
    )
