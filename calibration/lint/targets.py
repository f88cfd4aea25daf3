"""The targets as data: what each can do, so that no rule compares versions."""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What one line of an inference library can do on its device."""

    name: str
    """As on the command line."""
    stands_for: str
    """The releases and devices it stands for."""
    runtime: Literal["tensorrt", "onnxruntime"]
    """Whose parser, fusions and kernels these are."""
    opsets: range | None = None
    """Opsets of ``ai.onnx`` that the parser accepts; None: not limited here."""
    newest_ir: int | None = None
    """Newest ONNX file version that packages of the target's age read; None: not limited here."""
    types: frozenset[str] | None = None
    """Of INT64 and BFLOAT16, what the library has as a tensor type; None: not limited here."""
    quantised_types: frozenset[str] | None = None
    """Types that Q/DQ may carry; None: not limited here."""
    activations: Literal["INT8", "UINT8"] = "INT8"
    """The integer type its fast kernels take for activations."""
    no_integer_kernel: frozenset[str] = frozenset()
    """Operators without an INT8 kernel, or without gain from it; ``LinearResize`` is Resize that
    interpolates."""
    always_strongly_typed: bool = False
    """Every tensor runs in the type that the graph gives it."""
    attention_operator: bool = False
    """Takes the ONNX operator Attention."""
    fused_int8_attention: bool = False
    """Has a fused INT8 kernel for attention, within limits."""
    native_group_normalization: bool = False
    """Takes GroupNormalization of opset 21."""
    one_group_norm_is_right: bool = True
    """GroupNormalization of one group computes what ONNX says."""
    dla: bool = False
    """Some of its devices have a DLA."""
    dla_takes_qdq: bool = False
    """That DLA reads Q/DQ instead of a calibration cache."""
    pair_sums_saturate: bool = False
    """Some of its CPUs add pairs of 8-bit products in 16 bits, saturating."""
    slow_depthwise: bool = False
    """Depthwise convolutions are slower in INT8, or have no INT8 kernel."""


NORMS = frozenset({"LayerNormalization", "InstanceNormalization"})
TENSORRT_8_6 = Target(
    name="tensorrt-8.6",
    stands_for="TensorRT 8.6: JetPack 6.0",
    runtime="tensorrt",
    opsets=range(1, 18),
    newest_ir=9,
    types=frozenset(),
    quantised_types=frozenset({"INT8"}),
    no_integer_kernel=NORMS
    | {"GroupNormalization", "Softmax", "Sigmoid", "Gelu", "Erf", "LinearResize"}
    | {"GlobalAveragePool", "ReduceMean", "Div"},
    dla=True,
    slow_depthwise=True,
)
TENSORRT_10_3 = replace(
    TENSORRT_8_6,
    name="tensorrt-10.3",
    stands_for="TensorRT 10.3: JetPack 6.1 and 6.2",
    opsets=range(9, 21),
    newest_ir=None,
    types=frozenset({"INT64", "BFLOAT16"}),
    quantised_types=frozenset({"INT8", "FLOAT8E4M3FN", "INT4"}),
    fused_int8_attention=True,
)
TENSORRT_10_13 = replace(
    TENSORRT_10_3,
    name="tensorrt-10.13",
    stands_for="TensorRT 10.13 to 10.16: JetPack 7.0 to 7.2",
    opsets=range(9, 25),
    quantised_types=frozenset({"INT8", "FLOAT8E4M3FN", "INT4", "FLOAT4E2M1"}),
    native_group_normalization=True,
    one_group_norm_is_right=False,
    dla=False,
)
TENSORRT_11_4 = replace(
    TENSORRT_10_13,
    name="tensorrt-11.4",
    stands_for="TensorRT 11.4: JetPack 7.2.2 and newer",
    opsets=range(9, 26),
    always_strongly_typed=True,
    attention_operator=True,
    one_group_norm_is_right=True,
    dla=True,
    dla_takes_qdq=True,
)
ORT_X86 = Target(
    name="ort-x86",
    stands_for="ONNX Runtime on an x86 CPU",
    runtime="onnxruntime",
    activations="UINT8",
    no_integer_kernel=NORMS | {"ConvTranspose", "LinearResize", "HardSwish"},
    pair_sums_saturate=True,
    slow_depthwise=True,
)
ORT_ARM = replace(
    ORT_X86,
    name="ort-arm",
    stands_for="ONNX Runtime on an ARM CPU with dot products",
    activations="INT8",
    pair_sums_saturate=False,
    slow_depthwise=False,
)

TARGETS = {
    target.name: target
    for target in (TENSORRT_8_6, TENSORRT_10_3, TENSORRT_10_13, TENSORRT_11_4, ORT_X86, ORT_ARM)
}


def every_target(_: Target) -> bool:
    """Whether a rule that holds everywhere holds here: yes."""
    return True


def on_tensorrt(target: Target) -> bool:
    """Whether TensorRT's parser and kernels are meant."""
    return target.runtime == "tensorrt"


def on_onnxruntime(target: Target) -> bool:
    """Whether ONNX Runtime's fusions and CPU kernels are meant."""
    return target.runtime == "onnxruntime"
