"""``angioedge calibrate``: INT8 graphs for a model folder, written only if they answer as FP32."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import get_args

from rich.console import Console

from calibration.folder import add, check_target
from calibration.gate import Tolerance
from calibration.pipeline import Choice, Options, Outcome, quantise
from calibration.progress import Bars
from calibration.tensorrt_cache import read_cache, write_cache
from sdk.errors import AngioEdgeError
from sdk.model_folder import ModelFolder


def main(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit code: 0 written, 1 refused, 130 interrupted."""
    asked = _parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        return _calibrate(asked, console)
    except (AngioEdgeError, OSError) as error:
        console.print(f"angioedge: {error}", markup=False, highlight=False, soft_wrap=True)
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
        console.print(
            "Nothing was written; --force writes graphs that are marked as not certified."
        )
        return 1
    written = add(folder, outcome.quantised, asked.out)
    if asked.save_cache:
        asked.save_cache.write_text(write_cache(outcome.ranges), encoding="utf-8")
    state = "certified" if not outcome.shortfalls else "NOT certified"
    console.print(f"{written.path} has INT8 graphs, {state}.", highlight=False, soft_wrap=True)
    return 0


def _options(asked: argparse.Namespace) -> Options:
    cache = asked.load_cache
    given = {
        item.name: getattr(asked, item.name)
        for item in fields(Options)
        if item.name not in {"tolerance", "limits"}
    }
    return Options(
        **given,
        tolerance=Tolerance(min_dice=asked.min_dice, min_same_grade=asked.min_same_grade),
        limits=read_cache(cache.read_text(encoding="utf-8")) if cache else {},
    )


def _tell(outcome: Outcome, console: Console) -> None:
    for line in outcome.lines():
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    default, tolerance = Options(), Tolerance()
    parser = argparse.ArgumentParser(
        prog="angioedge calibrate",
        description="Add INT8 graphs to MODEL_FOLDER if they answer as its FP32 graph does.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    option = parser.add_argument
    option("model", metavar="MODEL_FOLDER", type=Path)
    option(
        "--frames",
        nargs="+",
        required=True,
        type=Path,
        metavar="RUN",
        help="DICOM XA, PNG, .npy, .npz files, or folders",
    )
    option(
        "--held-out",
        nargs="+",
        default=[],
        type=Path,
        metavar="RUN",
        help="runs to compare on, instead of frames between those of --frames",
    )
    option(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="a new folder, instead of adding to the model folder",
    )
    option("--count", type=_positive, default=default.count, help="frames that give the ranges")
    option(
        "--held-out-count",
        type=_positive,
        default=default.held_out_count,
        help="frames to compare on",
    )
    option(
        "--ranges",
        choices=get_args(Choice),
        default=default.ranges,
        help="best: whose outputs lie nearest to FP32; per-tensor: that, tensor by tensor",
    )
    option(
        "--load-cache",
        type=Path,
        metavar="FILE",
        help="TensorRT calibration cache whose ranges replace those found",
    )
    option(
        "--save-cache",
        type=Path,
        metavar="FILE",
        help="write the ranges as a TensorRT calibration cache",
    )
    option(
        "--min-dice",
        type=_share,
        default=tolerance.min_dice,
        help="mean Dice against the masks of FP32",
    )
    option(
        "--min-same-grade",
        type=_share,
        default=tolerance.min_same_grade,
        help="share of frames with the grade of FP32",
    )
    option(
        "--force",
        action="store_true",
        help="write graphs outside the tolerance, marked as not certified",
    )
    option("--threads", type=_positive, default=None, help="of one operator; without: every core")
    return parser


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
