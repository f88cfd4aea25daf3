"""From an ONNX graph to a serialised engine, on every TensorRT from 8.6 to 11.4."""

from dataclasses import dataclass

from sdk.engines.generation import Generation
from sdk.engines.library import Builder, Config, Messages, Module, Network, Parser, make_logger
from sdk.engines.options import BuildOptions
from sdk.engines.progress import Watch, make_monitor
from sdk.engines.recipe import Recipe
from sdk.engines.sidecar import EngineTensor
from sdk.engines.toolkit import Toolkit
from sdk.errors import EngineError

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build gives.

    Attributes:
        plan: the serialised engine.
        tensors: its inputs and outputs.
        timing_cache: measurements of this and earlier builds; makes the next one shorter.
        began_anew: whether the timing cache that was given did not fit.
    """

    plan: bytes
    tensors: tuple[EngineTensor, ...]
    timing_cache: bytes
    began_anew: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What shall be built.

    Attributes:
        graph: content of the ONNX file.
        recipe: who decides the types.
        options: limits.
        timing_cache: of an earlier build on this machine; empty: none.
    """

    graph: bytes
    recipe: Recipe
    options: BuildOptions
    timing_cache: bytes = b""


def build(toolkit: Toolkit, order: Order, messages: Messages, watch: Watch) -> Built:
    """Builds one engine; nothing but the memory of this process is touched.

    Raises:
        EngineError: the graph cannot be parsed, has dynamic shapes, or cannot be built.
    """
    trt = toolkit.trt
    logger = make_logger(trt, messages)
    builder: Builder = trt.Builder(logger)
    network = _create_network(trt, builder, toolkit.generation, order.recipe)
    parser: Parser = trt.OnnxParser(network, logger)  # the network refers to it until it is built
    _parse(parser, order.graph)
    tensors = _tensors(network)
    config = _configure(trt, builder, order)
    _set_flags(trt, config, toolkit.generation, order.recipe)
    began_anew = _set_timing_cache(config, order.timing_cache)
    if toolkit.generation.progress:
        monitor = make_monitor(trt, watch)  # as the parser
        config.progress_monitor = monitor
    memory = builder.build_serialized_network(network, config)
    if memory is None:
        raise EngineError(messages.errors())
    return Built(
        plan=bytes(memory),
        tensors=tensors,
        timing_cache=_timing_cache(config),
        began_anew=began_anew,
    )


def _create_network(
    trt: Module, builder: Builder, generation: Generation, recipe: Recipe
) -> Network:
    flags = 0
    if generation.needs_explicit_batch:
        flags |= 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
    if generation.strong_typing and recipe.strongly_typed:
        flags |= 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    return builder.create_network(flags)


def _parse(parser: Parser, graph: bytes) -> None:
    if parser.parse(graph):
        return
    reasons = [parser.get_error(index).desc() for index in range(parser.num_errors)]
    raise EngineError("the graph cannot be parsed: " + ("; ".join(reasons) or "no reason given"))


def _tensors(network: Network) -> tuple[EngineTensor, ...]:
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    outputs = [network.get_output(index) for index in range(network.num_outputs)]
    tensors = tuple(
        EngineTensor(
            name=tensor.name,
            is_input=number < len(inputs),
            dtype=tensor.dtype.name,
            shape=tuple(tensor.shape),
        )
        for number, tensor in enumerate([*inputs, *outputs])
    )
    for found in tensors:
        if found.is_input and not all(extent > 0 for extent in found.shape):
            raise EngineError(
                f"input {found.name} has the dynamic shape {list(found.shape)}, expected a static "
                "one; import the network with --size to fix it"
            )
    return tensors


def _configure(trt: Module, builder: Builder, order: Order) -> Config:
    config: Config = builder.create_builder_config()
    options, pools = order.options, trt.MemoryPoolType
    config.set_memory_pool_limit(pools.WORKSPACE, options.workspace_mib * MIB)
    config.set_memory_pool_limit(pools.TACTIC_DRAM, options.tactic_mib * MIB)
    config.builder_optimization_level = options.optimization_level
    # the per-layer profile names layers as the graph does
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    return config


def _set_flags(trt: Module, config: Config, generation: Generation, recipe: Recipe) -> None:
    if generation.weak_typing and not recipe.strongly_typed:
        if "FP16" in recipe.flags:
            config.set_flag(trt.BuilderFlag.FP16)
        if "INT8" in recipe.flags:
            config.set_flag(trt.BuilderFlag.INT8)
    if recipe.precision == "fp32":
        # on unless cleared, and with ten bits of mantissa it is not what was recorded
        config.clear_flag(trt.BuilderFlag.TF32)


def _set_timing_cache(config: Config, content: bytes) -> bool:
    """Whether the cache did not fit and measuring begins anew."""
    cache = config.create_timing_cache(content)
    if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False):
        return False
    config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)
    return bool(content)


def _timing_cache(config: Config) -> bytes:
    cache = config.get_timing_cache()
    return b"" if cache is None else bytes(cache.serialize())
