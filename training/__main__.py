"""Command line of the trainings: `python -m training angiogram_quality`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from training.recipes import (
    angiogram_quality,
    artery_sequence,
    artery_training,
    microbleed_command,
)
from training.studies import command as studies


def main(arguments: list[str] | None = None) -> None:
    """Train a network by its recipe, or score what was trained on held-out phantoms."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["microbleed_detection"]:
        microbleed_command.main(arguments[1:])
        return
    if arguments[:1] == ["study"]:
        studies.study(arguments[1:])
        return
    if arguments[:1] == ["results"]:
        studies.results()
        return
    options = _parser().parse_args(arguments)
    out = options.out or Path("runs") / options.recipe
    options.run(options, out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=main.__doc__)
    recipes = parser.add_subparsers(dest="recipe", required=True)
    recipes.add_parser("microbleed_detection", add_help=False, help="has options of its own")
    recipes.add_parser("study", add_help=False, help="trainings that answer a question together")
    recipes.add_parser("results", help="print the tables of all studies")
    for name, run in (("angiogram_quality", _quality), ("artery_sequence", _artery)):
        one = recipes.add_parser(name)
        one.set_defaults(run=run)
        one.add_argument("--minutes", type=float, help="train for this long, not for all steps")
        one.add_argument("--out", type=Path, help="folder of the training [runs/RECIPE]")
        one.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
        one.add_argument("--report", action="store_true", help="score the best weights instead")
        if run is _quality:
            help_text = "score a model folder instead"
            one.add_argument("--score", type=Path, metavar="FOLDER", help=help_text)
            continue
        one.add_argument(
            "--by", choices=artery_sequence.RECIPES, default="full", help="supervision"
        )
        one.add_argument("--teacher", type=Path, help="weights of a VSS-Net, for --by stream")
        help_text = "another value for a field of the recipe, such as kind=SALE; may be repeated"
        one.add_argument(
            "--set", action="append", default=[], metavar="FIELD=VALUE", help=help_text
        )
    return parser


def _quality(options: argparse.Namespace, out: Path) -> None:
    recipe = angiogram_quality.AngiogramQualityRecipe()
    if options.score:
        _show(angiogram_quality.score_folder(recipe, options.score, out))
    elif options.report:
        _show(angiogram_quality.report(recipe, out))
    else:
        best = angiogram_quality.train(recipe, out, minutes=options.minutes, resume=options.resume)
        sys.stdout.write(f"best weights: {best}\n")


def _artery(options: argparse.Namespace, out: Path) -> None:
    recipe = changed(artery_sequence.RECIPES[options.by], options.set)
    if options.report:
        _show(artery_training.report(recipe, out))
        return
    best = artery_training.train(
        recipe, out, minutes=options.minutes, resume=options.resume, teacher=options.teacher
    )
    sys.stdout.write(f"best weights: {best}\n")


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
        value = changed(old, [f"{rest}={text}"]) if rest and is_dataclass(old) else _value(text)
        recipe = replace(recipe, **{name: value})
    return recipe


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return tuple(value) if isinstance(value, list) else value


def _show(numbers: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
