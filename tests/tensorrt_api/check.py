"""Compares the project's files with one release of the bindings, in a process that has it."""

import ast
import enum
import inspect
import json
import sys
import warnings
from pathlib import Path

import tensorrt_stand_in
from tensorrt_api.usage import Usage

from sdk.engines.generation import generation_of

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Reads which files to look at; writes what they use and what is wrong with it."""
    warnings.simplefilter("ignore")
    import tensorrt_bindings as trt

    request = json.load(sys.stdin)
    generation = generation_of(trt)
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in request["files"]}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    facts = {"Generation": generation}
    found = Usage(trt, trees, facts)
    stand_in = tensorrt_stand_in.make(trt.__version__)
    report = {
        "version": trt.__version__,
        "uses": sorted({(use.file, use.line, use.name) for use in found.uses}),
        "problems": found.problems,
        "edited": [
            Usage(trt, edited(texts, **edit), facts, [edit["file"]]).problems
            for edit in request["edits"]
        ],
        "overlooked": overlooked(trt, trees, facts, found.uses),
        "generation": generation == generation_of(stand_in),
        "invented": list(invented(stand_in, trt)),
    }
    json.dump(report, sys.stdout)


def edited(texts, file: str, right: str, wrong: str) -> dict[str, ast.Module]:
    """The project's files with one change in a copy of one of them."""
    assert right in texts[file], f"{file} does not hold {right}"
    copy = texts | {file: texts[file].replace(right, wrong)}
    return {name: ast.parse(text) for name, text in copy.items()}


def overlooked(trt, trees, facts, uses) -> list[str]:
    """Uses that could be spelled wrongly without anybody noticing."""
    missed = []
    nodes = {
        (file, node.lineno, node.end_col_offset, node.attr): node
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }
    for use in dict.fromkeys(uses):
        node = nodes[use.file, use.line, use.column, use.name]
        node.attr = f"{use.name}_misspelled"
        if not Usage(trt, trees, facts, [use.file]).problems:
            missed.append(f"{use.file}:{use.line}: {use.name}")
        node.attr = use.name
    return missed


def invented(stand_in, trt):
    """Names that the stand-in offers and the bindings do not."""
    for name, thing in vars(stand_in).items():
        real = getattr(trt, name, None)
        if name.startswith("_"):
            continue
        if real is None:
            yield name
        elif inspect.isclass(thing) and issubclass(thing, enum.Enum):
            yield from (f"{name}.{it.name}" for it in thing if not hasattr(real, it.name))
        elif inspect.isclass(thing) and not issubclass(thing, bytes):
            members = {member for member in dir(thing) if not member.startswith("_")} - {"settable"}
            members |= thing.settable if hasattr(stand_in, "IProgressMonitor") else set()
            yield from (f"{name}.{it}" for it in sorted(members) if not hasattr(real, it))


if __name__ == "__main__":
    main()
