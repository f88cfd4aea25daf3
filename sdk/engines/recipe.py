"""Which graph gives an engine of which precision, and who decides the types: graph or builder."""

from collections.abc import Collection
from dataclasses import dataclass

from sdk.engines.choice import Step
from sdk.engines.generation import Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an engine of one precision is built.

    Attributes:
        precision: ``int8``, ``int8.fewer`` (fewer layers quantised), ``fp16`` or ``fp32``.
        graph: precision of the graph that it is built from.
        strongly_typed: the types of the graph are binding; flags are not allowed.
        flags: precisions that the builder may choose, where types are not binding.
    """

    precision: str
    graph: str
    strongly_typed: bool
    flags: tuple[str, ...] = ()


def ladder_of(graphs: Collection[str], generation: Generation) -> list[Recipe | Step]:
    """The rungs from INT8 down to FP32; a step where the folder or TensorRT has no way.

    A graph whose types say everything is built strongly typed where TensorRT can. The Q/DQ graph
    is FP32 between its pairs: where builder flags exist they allow FP16 there, and the INT8 flag
    does nothing but make Q/DQ legal.

    Args:
        graphs: precisions of the graphs in the model folder.
        generation: what TensorRT can do.
    """
    rungs = [_quantised(precision, graphs, generation) for precision in ("int8", "int8.fewer")]
    return [*rungs, _half(graphs, generation), _single(graphs, generation)]


def _quantised(precision: str, graphs: Collection[str], generation: Generation) -> Recipe | Step:
    if precision not in graphs:
        return Step(precision=precision, reason=f"the model folder has no {precision} graph")
    weak = generation.weak_typing
    flags = ("FP16", "INT8") if weak else ()
    typed = f"{precision}.fp16"  # FP16 between its pairs, which flags would otherwise allow
    graph = typed if typed in graphs and not weak else precision
    return Recipe(precision=precision, graph=graph, strongly_typed=not weak, flags=flags)


def _half(graphs: Collection[str], generation: Generation) -> Recipe | Step:
    if "fp16" in graphs and generation.strong_typing:
        return Recipe(precision="fp16", graph="fp16", strongly_typed=True)
    if generation.weak_typing and "fp32" in graphs:
        return Recipe(precision="fp16", graph="fp32", strongly_typed=False, flags=("FP16",))
    return Step(
        precision="fp16",
        reason="this TensorRT takes types from the graph alone, and the model folder has no fp16 "
        "graph",
    )


def _single(graphs: Collection[str], generation: Generation) -> Recipe | Step:
    if "fp32" not in graphs:
        return Step(precision="fp32", reason="the model folder has no fp32 graph")
    return Recipe(precision="fp32", graph="fp32", strongly_typed=generation.strong_typing)
