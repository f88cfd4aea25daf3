"""Tensors that a graph gives and takes again: what each backend that keeps them must check."""

from dataclasses import replace

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
