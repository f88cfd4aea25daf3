"""Command line of the trainings: `python -m training RECIPE`, the same for every recipe."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from sdk.cli.ending import one_sentence
from sdk.errors import AngioEdgeError
from training.recipes import (
    angiogram_quality,
    artery_sequence,
    artery_training,
    microbleed_detection,
    microbleed_training,
)
from training.recipes.processes import join, leave
from training.studies import command as studies

SHORT = ("side", "training-count", "batch", "seed", "steps", "phantoms", "threads", "device")
"""Fields of the microbleed recipes that have an option of their own."""


def main(arguments: list[str] | None = None) -> None:
    """Train a network by its recipe, or score what was trained on held-out data.

    Several processes train together under `torchrun --nproc-per-node N -m training RECIPE ...`.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["study"]:
        studies.study(arguments[1:])
        return
    options = _parser().parse_args(arguments)
    if options.recipe == "results":
        studies.results()
        return
    recipe, out = options.choose(options)
    recipe = changed(recipe, options.set)
    try:
        options.run(options, recipe, options.out or out)
    except (AngioEdgeError, ValueError, OSError) as error:  # what was given does not fit
        sys.exit(f"angioedge: {error}")
    finally:
        leave()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="angioedge train", description=main.__doc__)
    recipes = parser.add_subparsers(dest="recipe", required=True)
    quality, artery, microbleed = (
        recipes.add_parser(name)
        for name in ("angiogram_quality", "artery_sequence", "microbleed_detection")
    )
    quality.set_defaults(choose=_quality_recipe, run=_quality)
    artery.set_defaults(choose=_artery_recipe, run=_artery)
    microbleed.set_defaults(choose=_microbleed_recipe, run=_microbleed)
    for one in (quality, artery, microbleed):
        _add_common(one)
    for one in (quality, artery):
        add = one.add_argument
        add("--score", type=Path, metavar="FOLDER", help="score a model folder instead")
        add("--precision", default="fp32", help="of the folder to score [fp32]")
    add = artery.add_argument
    add("--by", choices=artery_sequence.RECIPES, default="full", help="supervision")
    add("--teacher", type=Path, help="weights of a VSS-Net, for --by stream")
    _add_microbleed(microbleed)
    recipes.add_parser("study", add_help=False, help="trainings that answer a question together")
    recipes.add_parser("results", help="print and write the tables of all studies")
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--minutes", type=float, help="train for this long, not for all steps")
    add("--out", type=Path, help="folder of the training [runs/RECIPE]")
    add("--resume", action="store_true", help="go on from the last checkpoint")
    add("--report", action="store_true", help="score the best weights instead")
    text = "another value for a field of the recipe, such as steps=500; may be repeated"
    add("--set", action="append", default=[], metavar="FIELD=VALUE", help=text)
    text = "folder to train on in the place of phantoms, as --set data=FOLDER"
    add("--data", dest="set", action="append", type="data={}".format, metavar="FOLDER", help=text)


def _add_microbleed(parser: argparse.ArgumentParser) -> None:
    """Its options of old are other words for --set."""
    parser.add_argument("network", choices=microbleed_detection.RECIPES)
    without = {"fusion": ("network.fusion", "FFM"), "hard-samples": ("hard_samples", "HSPL")}
    for name, (field, short) in without.items():
        setting = f"{field}=false"
        help_text = f"the detector without {short}, as --set {setting}"
        parser.add_argument(
            f"--without-{name}", dest="set", action="append_const", const=setting, help=help_text
        )
    for name in SHORT:
        field = name.replace("-", "_")
        help_text = f"as --set {field}={name.upper()}"
        parser.add_argument(
            f"--{name}", dest="set", action="append", type=f"{field}={{}}".format, help=help_text
        )


def _quality_recipe(_: argparse.Namespace) -> tuple[Any, Path]:
    return angiogram_quality.AngiogramQualityRecipe(), Path("runs/angiogram_quality")


def _artery_recipe(options: argparse.Namespace) -> tuple[Any, Path]:
    return artery_sequence.RECIPES[options.by], Path("runs/artery_sequence")


def _microbleed_recipe(options: argparse.Namespace) -> tuple[Any, Path]:
    name = options.network
    return microbleed_detection.RECIPES[name], Path("runs/microbleed_detection") / name


def _quality(options: argparse.Namespace, recipe: Any, out: Path) -> None:
    if options.score:
        _show(angiogram_quality.score_folder(recipe, options.score, out, options.precision))
    elif options.report:
        _show(angiogram_quality.report(recipe, out))
    else:
        best = angiogram_quality.train(recipe, out, minutes=options.minutes, resume=options.resume)
        _tell(best, recipe.device)


def _artery(options: argparse.Namespace, recipe: Any, out: Path) -> None:
    if options.score:
        _show(artery_training.score_folder(recipe, options.score, out, options.precision))
        return
    if options.report:
        _show(artery_training.report(recipe, out))
        return
    best = artery_training.train(
        recipe, out, minutes=options.minutes, resume=options.resume, teacher=options.teacher
    )
    _tell(best, recipe.device)


def _microbleed(options: argparse.Namespace, recipe: Any, out: Path) -> None:
    if options.report:
        _show(microbleed_training.report(recipe, out))
        return
    best = microbleed_training.train(recipe, out, minutes=options.minutes, resume=options.resume)
    _tell(best, recipe.device)


def changed(recipe: Any, settings: list[str]) -> Any:
    """A recipe with other values: ``steps=10``, ``kind=SALE``, ``network.stride=2``.

    Raises:
        SystemExit: the recipe has no such field.
    """
    for setting in settings:
        path, _, text = setting.partition("=")
        name, _, rest = path.partition(".")
        known = [entry.name for entry in fields(recipe)]
        if name not in known or not text:
            sys.exit(f"expected FIELD=VALUE with a field of {', '.join(known)}, got {setting!r}")
        old = getattr(recipe, name)
        if not rest and isinstance(old, (int, float)) and not _is_number(text):
            sys.exit(f"{name} takes a number such as {old}, got {text!r}")
        value = changed(old, [f"{rest}={text}"]) if rest and is_dataclass(old) else _value(text)
        recipe = replace(recipe, **{name: value})
    return recipe


def _is_number(text: str) -> bool:
    return isinstance(_value(text), (int, float))


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return tuple(value) if isinstance(value, list) else value


def _show(numbers: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(numbers, indent=2) + "\n")


def _tell(best: Path, device: str) -> None:
    if join(device).first:
        sys.stdout.write(f"best weights: {best}\n")


if __name__ == "__main__":
    with one_sentence():
        main()
