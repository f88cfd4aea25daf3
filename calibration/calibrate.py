"""``angioedge calibrate``: INT8 graphs for a model folder, written only if they answer as FP32."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from calibration.agreement import Tolerance
from calibration.folder import add, check_target
from calibration.options import FRAMES, TILES, Choice, Options
from calibration.outcome import Outcome
from calibration.pipeline import quantise
from calibration.placement import X86
from calibration.progress import Bars
from calibration.recovery import STEPS
from calibration.tensorrt_cache import read_cache, write_cache
from sdk.errors import AngioEdgeError
from sdk.model_folder import ModelFolder

INPUTS = (
    "DICOM XA, PNG, NIfTI, .npy, .npz, or folders of them; for volumes, folders with subjects.csv, "
    "or phantoms:COUNT"
)


MORE = (
    "More and more varied frames (--count) help most; other ranges (--ranges minmax), or the "
    "operations that the report of a --force run ranks first (--keep-float), may. --force writes "
    "graphs that are marked as not certified."
)
TYPED_ALONE = "Only forms with FP16 in them fall short: --no-typed writes the others."


def main(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit code: 0 written, 1 refused, 130 interrupted."""
    asked = _parser().parse_args(arguments)
    console = Console(stderr=True, markup=False)
    try:
        return _calibrate(asked, console)
    except (AngioEdgeError, OSError) as error:
        console.print(f"angioedge: {error}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("angioedge: interrupted")
        return 130


def _calibrate(asked: argparse.Namespace, console: Console) -> int:
    check_target(asked.out)
    folder = ModelFolder.open(asked.model)
    outcome = quantise(folder, asked.frames, _options(asked), Bars())
    _tell(outcome, console)
    if outcome.shortfalls and not asked.force:
        console.print(f"Nothing was written. {advice(outcome.shortfalls)}")
        return 1
    written = add(folder, outcome.quantised, asked.out)
    if asked.save_cache:
        asked.save_cache.write_text(write_cache(outcome.ranges), encoding="utf-8")
    state = "certified" if not outcome.shortfalls else "NOT certified"
    console.print(f"{written.path} has INT8 graphs, {state}.", highlight=False, soft_wrap=True)
    return 0


def advice(shortfalls: Sequence[str]) -> str:
    """What may help where a network is refused."""
    precisions = {reason.partition(":")[0] for reason in shortfalls}
    return TYPED_ALONE if all(name.endswith("fp16") for name in precisions) else MORE


def _options(asked: argparse.Namespace) -> Options:
    cache = asked.load_cache
    given = {
        item.name: getattr(asked, item.name)
        for item in fields(Options)
        if item.name not in {"tolerance", "limits"}
    }
    return Options(
        **given,
        tolerance=Tolerance(**{item.name: getattr(asked, item.name) for item in fields(Tolerance)}),
        limits=read_cache(cache.read_text(encoding="utf-8")) if cache else {},
    )


def _tell(outcome: Outcome, console: Console) -> None:
    for line in outcome.lines():
        console.print(line, highlight=False, soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="angioedge calibrate",
        description="Add INT8 graphs to MODEL_FOLDER if they answer as its FP32 graph does.",
    )
    option = parser.add_argument
    option("model", metavar="MODEL_FOLDER", type=Path)
    option(
        "--out", type=Path, metavar="FOLDER", help="a new folder, instead of MODEL_FOLDER itself"
    )
    option("--threads", type=_positive, help="of one operator [every core]")
    option(
        "--resume",
        type=Path,
        metavar="FOLDER",
        help="keep what is finished there; the same call goes on from it after an interruption",
    )
    option(
        "--typed",
        action=argparse.BooleanOptionalAction,
        default=Options.typed,
        help="the FP16 forms too, for strongly typed builds",
    )
    option(
        "--x86",
        choices=get_args(X86),
        default=Options.x86,
        help="what the twin for x86 is made for: speed on ONNX Runtime; on OpenVINO, which needs "
        "fewer tensors rounded, and slow on the other; or exactly the numbers of the form for "
        "TensorRT [%(default)s]",
    )
    _add_frames(parser.add_argument_group("frames"))
    _add_ranges(parser.add_argument_group("ranges"))
    _add_gate(parser.add_argument_group("gate"))
    return parser


def _add_frames(group: argparse._ArgumentGroup) -> None:
    default, option = Options(), group.add_argument
    runs: dict[str, Any] = {"nargs": "+", "type": Path, "metavar": "INPUT"}
    option("--frames", required=True, help=INPUTS, **runs)
    option("--held-out", default=[], help="to compare on [frames between the others]", **runs)
    counted: dict[str, Any] = {"type": _positive, "metavar": "N"}
    option("--count", help=f"give the ranges [{FRAMES}, or {TILES} tiles and patches]", **counted)
    option(
        "--held-out-count",
        default=default.held_out_count,
        help="are compared on [%(default)s]",
        **counted,
    )

    option(
        "--examples",
        type=int,
        choices=range(10),
        default=default.examples,
        metavar="N",
        help="held-out frames pictured in the report; 0 for none [%(default)s]",
    )


def _add_ranges(group: argparse._ArgumentGroup) -> None:
    default, option = Options(), group.add_argument
    option(
        "--ranges",
        choices=get_args(Choice),
        default=default.ranges,
        help="best: whose outputs lie nearest; per-tensor: tensor by tensor [best, minmax for a "
        "detector]",
    )
    option(
        "--keep-float",
        nargs="+",
        default=[],
        metavar="NAME",
        help="operations to leave in float; * stands for any part of a name",
    )
    option(
        "--int8-states",
        action="store_true",
        help="quantise what a network carries from frame to frame too; float by default",
    )
    option(
        "--fewer",
        action="store_true",
        help="write an INT8 graph with half of its operations in float too, for devices whose "
        "TensorRT cannot build the first",
    )
    option(
        "--recover",
        nargs="*",
        choices=STEPS,
        default=default.recover,
        metavar="STEP",
        help=f"what is tried where the answers fall short, none if nothing is named "
        f"[{' '.join(STEPS)}]",
    )
    file: dict[str, Any] = {"type": Path, "metavar": "FILE"}
    option("--load-cache", help="TensorRT calibration cache that replaces ranges", **file)
    option("--save-cache", help="write the ranges as a TensorRT calibration cache", **file)


def _add_gate(group: argparse._ArgumentGroup) -> None:
    default, option = Tolerance(), group.add_argument
    share: dict[str, Any] = {"type": _share, "metavar": "SHARE"}
    option(
        "--min-dice",
        default=default.min_dice,
        help="mean Dice against the masks of FP32 [%(default)s]",
        **share,
    )
    option(
        "--min-same-grade",
        default=default.min_same_grade,
        help="frames with the grade of FP32 [%(default)s]",
        **share,
    )
    rate: dict[str, Any] = {"type": float, "metavar": "RATE"}
    option(
        "--max-lost-sensitivity",
        default=default.max_lost_sensitivity,
        help="of lesions, against FP32 at the thresholds of both [%(default)s]",
        **share,
    )
    option(
        "--max-more-false-positives",
        default=default.max_more_false_positives,
        help="per subject, against FP32 [%(default)s]",
        **rate,
    )
    option(
        "--min-same-region",
        default=default.min_same_region,
        help="of the bleeds that both find [%(default)s]",
        **share,
    )
    option("--force", action="store_true", help="write all the same, marked as not certified")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"must be in 0..1, got {text}")
    return share
