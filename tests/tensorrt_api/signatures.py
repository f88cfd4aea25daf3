"""What the bindings say about themselves: signatures, read from the docstrings pybind11 writes."""

import re
from dataclasses import dataclass

NUMBERED = re.compile(r"^(?:\d+\. )?(\w*)\((.*)\) -> (.+)$", re.MULTILINE)
PREFIX = re.compile(r"^\w+\.tensorrt\.")
BRACKETS = {"(": 1, "[": 1, "<": 1, "{": 1, ")": -1, "]": -1, ">": -1, "}": -1}


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: str
    """Name of its type as the bindings write it."""
    required: bool


@dataclass(frozen=True)
class Signature:
    parameters: tuple[Parameter, ...]
    returns: str

    def refusal(self, positional: int, keywords: set[str]) -> str:
        """Why a call does not fit; empty: it fits."""
        if positional > len(self.parameters):
            return f"takes {len(self.parameters)} arguments, gets {positional}"
        rest = {parameter.name: parameter for parameter in self.parameters[positional:]}
        if unknown := keywords - rest.keys():
            return f"has no argument {', '.join(sorted(unknown))}"
        missing = [name for name, it in rest.items() if it.required and name not in keywords]
        return f"misses {', '.join(missing)}" if missing else ""


def signatures(function) -> list[Signature]:
    """Every overload of a function of the bindings."""
    found = NUMBERED.findall(function.__doc__ or "")
    return [
        Signature(tuple(map(_parameter, _split(arguments))), returns.strip())
        for _, arguments, returns in found
        if arguments != "*args, **kwargs"
    ]


def resolve(trt, name: str):
    """The class that a signature names; None for what is not of TensorRT."""
    if "::" in name:
        short = name.rpartition("::")[2]
        return getattr(trt, short, None) or getattr(trt, short.removeprefix("I"), None)
    if not PREFIX.match(name):
        return None
    found = trt
    for part in PREFIX.sub("", name).split("."):
        found = getattr(found, part, None)
    return found


def _parameter(text: str) -> Parameter:
    name, _, rest = text.partition(":")
    kind, given, _ = rest.partition(" = ")
    return Parameter(name.strip(), kind.strip(), not given)


def _split(arguments: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(arguments):
        depth += BRACKETS.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(arguments[start:index])
            start = index + 1
    return [part for part in (*parts, arguments[start:]) if part.strip()]
