"""Tensors that a graph gives and takes again: what each backend that keeps them must check."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sdk import kernels
from sdk.errors import ModelFolderError
from sdk.tensors import Tensors, specs_of


def check_pair(before: str, after: str, inputs: Tensors, outputs: Tensors) -> None:
    """Refuses a state unless the graph takes it and gives it back alike.

    Args:
        before: name among the inputs.
        after: name among the outputs.
        inputs: of the graph.
        outputs: of the graph.

    Raises:
        ModelFolderError: it is missing, or shapes or dtypes differ.
    """
    found = [
        str(replace(spec, name=""))
        for tensors, name in ((inputs, before), (outputs, after))
        for spec in specs_of({name: tensors[name]} if name in tensors else {})
    ]
    if len(found) != 2 or found[0] != found[1]:
        raise ModelFolderError(
            f"the graph must take the state {before} and give it back as {after} with the same "
            f"shape and dtype, found{' and'.join(found) or ' neither'}; export it again"
        )


def alternate(
    states: Mapping[str, str], inputs: dict[str, Any], outputs: dict[str, Any]
) -> list[tuple[Tensors, Tensors]]:
    """Takes states out of a graph's tensors, for runs that read what the run before has written.

    Args:
        states: input name -> output name.
        inputs: of the graph; those that are states leave it.
        outputs: of the graph, the same.

    Returns:
        Two (reads, writes) pairs, by tensor name: for runs 1, 3, 5 ... and for runs 2, 4, 6 ...

    Raises:
        ModelFolderError: the graph does not take one of them and give it back alike.
    """
    for before, after in states.items():
        check_pair(before, after, inputs, outputs)
    ping = {before: inputs.pop(before) for before in states}
    pong = {after: outputs.pop(after) for after in states.values()}
    swapped = {before: pong[after] for before, after in states.items()}
    return [(ping, pong), (swapped, {states[name]: tensor for name, tensor in ping.items()})]


def forget(sides: Iterable[tuple[Tensors, Tensors]]) -> None:
    """Makes every state zero, on both sides."""
    for read, _ in sides:
        for state in read.values():
            kernels.clear(state)
