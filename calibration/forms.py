"""The typed forms of a network: FP16, and INT8 with FP16 between, for strongly typed builds."""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto, helper, version_converter

from calibration.agreement import Measured
from calibration.errors import CalibrationError
from calibration.frames import Selection
from calibration.gate import compare
from calibration.golden import Limits, golden_limits
from calibration.half import Kept, halve
from calibration.play import Player
from calibration.qdq import dequantised_name
from calibration.quantisable import Quantisable
from sdk.backends import Backend
from sdk.backends.onnxruntime import OnnxRuntimeBackend
from sdk.model_folder import ModelFolder

TYPED_PAIRS_OPSET = 19
"""The first in which the scale of a pair may be a half."""
TYPED_FRAMES = 8
"""Of those held out."""


def typed_forms(
    graph: Quantisable, quantised: Mapping[str, bytes], largest: Mapping[str, float]
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Precision -> typed graph, and what the report says: operations in FP32, forms left out.

    Args:
        graph: the FP32 graph.
        quantised: precision -> its forms with signed pairs.
        largest: largest magnitude seen of every float activation.
    """
    reached = {**largest, **{dequantised_name(name): value for name, value in largest.items()}}
    graphs: dict[str, bytes] = {}
    said: dict[str, Any] = {"kept_in_fp32": {}, "forms_left_out": {}}
    sources: dict[str, Callable[[], ModelProto]] = {"fp16": lambda: graph.model}
    for precision, content in quantised.items():
        sources[f"{precision}.fp16"] = partial(_raise_opset, content)
    for precision, source in sources.items():
        made, kept, reason = _try(source, reached)
        if reason:
            said["forms_left_out"][precision] = reason
        else:
            graphs[precision] = made
            said["kept_in_fp32"][precision] = [asdict(item) for item in kept]
    return graphs, said


def not_asked_for(quantised: Iterable[str]) -> dict[str, Any]:
    """What the report says of the typed forms where they are not made."""
    forms = ("fp16", *(f"{precision}.fp16" for precision in quantised))
    return {"kept_in_fp32": {}, "forms_left_out": dict.fromkeys(forms, "not asked for")}


def compare_typed(
    folder: ModelFolder,
    fp32: Path,
    graphs: Mapping[str, bytes],
    held_out: Selection,
    threads: int | None,
) -> tuple[dict[tuple[str, str], Measured], dict[str, Limits]]:
    """Agreement of typed graphs with their FP32 graph, and their limits on the golden vectors.

    Halves are emulated on a CPU, between casts, and slowly: few frames are compared.
    """
    if not graphs:
        return {}, {}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        backends = {"fp32": stack.enter_context(closing(_open(fp32, threads)))}
        for precision, content in graphs.items():
            path = place / f"{precision}.onnx"
            path.write_bytes(content)
            backends[precision] = stack.enter_context(closing(_open(path, threads)))
        few = held_out.first(TYPED_FRAMES)
        players = {name: Player(backend, few) for name, backend in backends.items()}
        golden = {name: golden_limits(folder, backends[name]) for name in graphs}
        agreements = compare(players, few)
        return {pair: them for pair, them in agreements.items() if pair[0] == "fp32"}, golden


def _open(path: Path, threads: int | None) -> Backend:
    return OnnxRuntimeBackend(path, threads=threads, fuse_pairs=False)


def _try(
    source: Callable[[], ModelProto], reached: Mapping[str, float]
) -> tuple[bytes, tuple[Kept, ...], str]:
    try:
        return (*halve(source(), reached), "")
    except CalibrationError as error:
        return b"", (), str(error)


def _raise_opset(content: bytes) -> ModelProto:
    model = onnx.load_from_string(content)
    try:
        raised = version_converter.convert_version(model, TYPED_PAIRS_OPSET)
    except Exception as error:  # the converter raises what its C++ throws
        raise CalibrationError(
            f"the converter of ONNX cannot raise it to opset {TYPED_PAIRS_OPSET}: {error}"
        ) from error
    opsets = {item.domain: item.version for item in raised.opset_import}
    if opsets[""] != TYPED_PAIRS_OPSET:
        raise CalibrationError(f"the converter of ONNX left it at opset {opsets['']}")
    least = helper.find_min_ir_version_for(raised.opset_import, ignore_unknown=True)
    raised.ir_version = max(raised.ir_version, least)
    return raised
