"""One network of a model folder that holds several, as a folder of that network alone."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from sdk.errors import ModelFolderError
from sdk.golden import GoldenPair
from sdk.model_folder import ModelFolder


@dataclass(frozen=True, slots=True)
class ModelPart(ModelFolder):
    """The graphs and golden pairs of one network: what opens a model folder opens a part as well.

    In the manifest of the whole folder the graphs of a part are named ``part.precision``; here they
    are named by their precision.

    Attributes:
        name: of the network, such as ``detector``.
        inputs: names of its inputs; a golden pair that records exactly these is its own.
    """

    name: str
    inputs: frozenset[str]

    @classmethod
    def of(cls, folder: ModelFolder, name: str, inputs: Collection[str]) -> "ModelPart":
        """A network of a verified folder.

        Raises:
            ModelFolderError: the folder has no graph of it.
        """
        start = f"{name}."
        graphs = {
            precision.removeprefix(start): file
            for precision, file in folder.manifest.graphs.items()
            if precision.startswith(start)
        }
        if not graphs:
            raise ModelFolderError(
                f"{folder.path} has no graph of its {name}, it has "
                f"{', '.join(sorted(folder.manifest.graphs))}"
            )
        manifest = replace(folder.manifest, graphs=graphs)
        return cls(folder.path, manifest, name, frozenset(inputs))

    def graph(self, precision: str) -> Path:
        """Path of its graph of one precision.

        Raises:
            ModelFolderError: the folder has no such graph.
        """
        if precision not in self.manifest.graphs:
            raise ModelFolderError(
                f"{self.path} has no {precision} graph of its {self.name}, it has "
                f"{', '.join(sorted(self.manifest.graphs))}"
            )
        return ModelFolder.graph(self, precision)

    def golden(self) -> list[GoldenPair]:
        """Its recorded (inputs, outputs) by tensor name."""
        return [pair for pair in ModelFolder.golden(self) if set(pair[0]) == self.inputs]


def check_golden(folder: ModelFolder, parts: Collection[ModelPart]) -> None:
    """Makes sure that no golden pair is left uncompared.

    Raises:
        ModelFolderError: a pair belongs to none of the parts.
    """
    known = {part.inputs for part in parts}
    for index, (inputs, _) in enumerate(folder.golden()):
        if frozenset(inputs) not in known:
            raise ModelFolderError(
                f"{folder.path}, golden pair {index}: its inputs {', '.join(sorted(inputs))} are "
                "those of no network of the folder; write the folder with the tool that made it"
            )


def part_name(folder: ModelFolder) -> str:
    """Name of the network, empty for a folder that is not taken apart."""
    return folder.name if isinstance(folder, ModelPart) else ""
