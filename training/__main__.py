"""Command line of the trainings: `python -m training angiogram_quality`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from training.recipes import microbleed_command
from training.recipes.angiogram_quality import AngiogramQualityRecipe, report, score_folder, train


def main(arguments: list[str] | None = None) -> None:
    """Train a network by its recipe, or score what was trained on held-out phantoms."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["microbleed_detection"]:
        microbleed_command.main(arguments[1:])
        return
    parser = argparse.ArgumentParser(prog="python -m training", description=main.__doc__)
    parser.add_argument("recipe", choices=["angiogram_quality", "microbleed_detection"])
    parser.add_argument("--minutes", type=float, help="train for this long, not for all steps")
    parser.add_argument("--out", type=Path, default=Path("runs/angiogram_quality"))
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--report", action="store_true", help="score the best weights instead")
    parser.add_argument("--score", type=Path, metavar="FOLDER", help="score a model folder instead")
    options = parser.parse_args(arguments)
    recipe = AngiogramQualityRecipe()
    if options.report or options.score:
        numbers = (
            score_folder(recipe, options.score, options.out)
            if options.score
            else report(recipe, options.out)
        )
        sys.stdout.write(json.dumps(numbers, indent=2) + "\n")
        return
    best = train(recipe, options.out, minutes=options.minutes, resume=options.resume)
    sys.stdout.write(f"best weights: {best}\n")


if __name__ == "__main__":
    main()
