"""The gate: does a quantised network answer as the FP32 network does, on frames it has not seen?"""

from collections.abc import Mapping

from calibration.agreement import Measured
from calibration.frames import Selection
from calibration.play import Player
from calibration.progress import Track, silent


def compare(
    players: Mapping[str, Player], held_out: Selection, track: Track = silent
) -> dict[tuple[str, str], Measured]:
    """Answers every held-out frame with every graph, and compares each graph with each later one.

    Args:
        players: precision -> the graph with these frames, FP32 first.
        held_out: frames, none of which gave a range.
        track: shows how far it is.
    """
    names = list(players)
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    found = {pair: held_out.agreement() for pair in pairs}
    for index in track(range(len(held_out)), "comparing with FP32"):
        answers = {name: player.answer(index) for name, player in players.items()}
        for (a, b), agreement in found.items():
            agreement.add(answers[a], answers[b], ends_run=held_out.ends_run(index))
    return found
