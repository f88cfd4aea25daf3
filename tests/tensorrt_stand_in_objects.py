"""What TensorRT's builder hands out, as a stand-in; see tensorrt_stand_in."""

from enum import Enum

ONNX_DTYPES = {1: "FLOAT", 2: "UINT8", 3: "INT8", 6: "INT32", 9: "BOOL", 10: "HALF"}


class Strict:
    """Refuses attributes that the bindings do not have."""

    settable = frozenset()

    def __setattr__(self, name, value):
        if not name.startswith("_") and name not in self.settable:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        object.__setattr__(self, name, value)


class Member(Enum):
    """Like an enumeration of the bindings: no number until asked for."""

    def __int__(self):
        return self.value


def enumeration(name, members):
    return Member(name, {member: index for index, member in enumerate(members.split())})


Severity = enumeration("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE")
DataType = enumeration("DataType", "FLOAT HALF INT8 INT32 BOOL UINT8")
TensorIOMode = enumeration("TensorIOMode", "NONE INPUT OUTPUT")
ProfilingVerbosity = enumeration("ProfilingVerbosity", "LAYER_NAMES_ONLY NONE DETAILED")
Pools = "WORKSPACE DLA_MANAGED_SRAM DLA_LOCAL_DRAM DLA_GLOBAL_DRAM TACTIC_DRAM"
MemoryPoolType = enumeration("MemoryPoolType", Pools)


class ILogger(Strict):
    Severity = Severity

    def __init__(self):
        self._made = True

    def log(self, severity, msg):
        raise NotImplementedError("a logger must say what to do with a message")


def complain(logger, text):
    marked = f"[stand-in] {text}"
    logger.log(Severity.ERROR, marked)


class IProgressMonitor(Strict):
    def __init__(self):
        self._made = True

    def phase_start(self, phase_name, parent_phase, num_steps): ...
    def step_complete(self, phase_name, step): ...
    def phase_finish(self, phase_name): ...


class IHostMemory(bytes):
    @property
    def nbytes(self):
        return len(self)


class ITensor(Strict):
    def __init__(self, name, dtype, shape):
        self._name, self._dtype, self._shape = name, dtype, shape

    name = property(lambda self: self._name)
    dtype = property(lambda self: self._dtype)
    shape = property(lambda self: self._shape)


class INetworkDefinition(Strict):
    def __init__(self, release, flags):
        creation = release.NetworkDefinitionCreationFlag
        names = {member.name for member in creation if flags >> int(member) & 1}
        self._explicit = "EXPLICIT_BATCH" in names or release.strong
        self._strong = "STRONGLY_TYPED" in names or not release.weak
        self._tensors, self._types, self._kinds, self._content = ([], []), set(), set(), b""

    num_inputs = property(lambda self: len(self._tensors[0]))
    num_outputs = property(lambda self: len(self._tensors[1]))

    def get_input(self, index):
        return self._tensors[0][index]

    def get_output(self, index):
        return self._tensors[1][index]

    def _precision(self, flags):
        if "QuantizeLinear" in self._kinds:
            return "int8"
        return "fp16" if "FP16" in flags or "HALF" in self._types else "fp32"


class ITimingCache(Strict):
    def __init__(self, content):
        self._content = content

    def serialize(self):
        return IHostMemory(self._content)


class IBuilderConfig(Strict):
    settable = frozenset({"builder_optimization_level", "profiling_verbosity", "progress_monitor"})

    builder_optimization_level = 3
    profiling_verbosity = ProfilingVerbosity.LAYER_NAMES_ONLY

    def __init__(self, release):
        self._release, self._flags, self._pools, self._cache = release, {"TF32"}, {}, None

    def __setattr__(self, name, value):
        if name == "progress_monitor" and not self._release.strong:
            raise AttributeError("'IBuilderConfig' object has no attribute 'progress_monitor'")
        super().__setattr__(name, value)

    _monitor = property(lambda self: vars(self).get("progress_monitor"))

    def set_flag(self, flag):
        assert isinstance(flag, self._release.BuilderFlag)
        self._flags.add(flag.name)

    def clear_flag(self, flag):
        assert isinstance(flag, self._release.BuilderFlag)
        self._flags.discard(flag.name)

    def set_memory_pool_limit(self, pool, pool_size):
        assert isinstance(pool, MemoryPoolType)
        self._pools[pool.name] = pool_size

    def create_timing_cache(self, serialized_timing_cache):
        return ITimingCache(bytes(serialized_timing_cache) or self._release.cache_header())

    def set_timing_cache(self, cache, ignore_mismatch):
        fits = cache._content.startswith(self._release.cache_header())
        if fits or ignore_mismatch:
            self._cache = cache
        return fits or ignore_mismatch

    def get_timing_cache(self):
        return self._cache


class Builder(Strict):
    def __init__(self, logger):
        if not getattr(logger, "_made", False):
            raise TypeError("__init__() must be called when overriding __init__")
        self._logger = logger

    def create_network(self, flags=0):
        return INetworkDefinition(self._release, flags)

    def create_builder_config(self):
        return IBuilderConfig(self._release)

    def build_serialized_network(self, network, config):
        reason = self._release.refusal(network, config)
        if reason is None and not self._watch(network, config):
            reason = "Build cancelled by the progress monitor"
        if reason is not None:
            complain(self._logger, reason)
            return None
        if config._cache is not None:
            config._cache._content += b" timed"
        return IHostMemory(self._release.serialise(network, config))

    def _watch(self, network, config):
        self._logger.log(Severity.INFO, "[stand-in] building")
        self._release.suffer(network._precision(config._flags))
        monitor = config._monitor
        if monitor is None:
            return True
        monitor.phase_start("Building Engine", None, 2)
        going = monitor.step_complete("Building Engine", 0)
        monitor.phase_start("Computing costs", "Building Engine", 1)
        going = going and monitor.step_complete("Computing costs", 0)
        monitor.phase_finish("Computing costs")
        going = going and monitor.step_complete("Building Engine", 1)
        monitor.phase_finish("Building Engine")
        return going


class ParserError(Strict):
    def __init__(self, text):
        self._text = text

    def desc(self):
        return self._text


class OnnxParser(Strict):
    def __init__(self, network, logger):
        self._network, self._logger, self._errors = network, logger, []

    num_errors = property(lambda self: len(self._errors))

    def get_error(self, index):
        return self._errors[index]

    def parse(self, model, path=None):
        import onnx
        from google.protobuf.message import DecodeError

        network = self._network
        try:
            graph = onnx.load_from_string(bytes(model)).graph
        except DecodeError as error:
            return self._fail(f"no ONNX: {error}")
        if not network._explicit:
            return self._fail("networks without EXPLICIT_BATCH are not supported by the parser")
        network._tensors = tuple([_tensor(v) for v in side] for side in (graph.input, graph.output))
        network._types = {ONNX_DTYPES.get(weight.data_type) for weight in graph.initializer}
        network._kinds = {node.op_type for node in graph.node}
        network._content = bytes(model)
        return True

    def _fail(self, text):
        self._errors.append(ParserError(text))
        complain(self._logger, text)
        return False


def _tensor(value):
    kind = value.type.tensor_type
    shape = tuple(d.dim_value if d.HasField("dim_value") else -1 for d in kind.shape.dim)
    return ITensor(value.name, DataType[ONNX_DTYPES[kind.elem_type]], shape)
