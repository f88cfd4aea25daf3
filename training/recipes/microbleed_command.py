"""Command line of the microbleed trainings: `python -m training microbleed_detection`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from training.recipes.microbleed_detection import DetectorRecipe, RegionsRecipe
from training.recipes.microbleed_training import (
    REPORT,
    DetectorTraining,
    RegionsTraining,
    train,
)


def main(arguments: list[str]) -> None:
    """Train the detector or the brain regions network, or score what was trained."""
    options = _parser().parse_args(arguments)
    recipe = chosen_recipe(options)
    out = options.out or Path("runs/microbleed_detection") / options.network
    if options.report:
        numbers = (
            DetectorTraining(recipe, out).report()
            if isinstance(recipe, DetectorRecipe)
            else RegionsTraining(recipe, out).report()
        )
        (out / REPORT).write_text(json.dumps(numbers, indent=2) + "\n")
        sys.stdout.write(json.dumps(numbers, indent=2) + "\n")
        return
    best = train(recipe, out, minutes=options.minutes, resume=options.resume)
    sys.stdout.write(f"best weights: {best}\n")


def chosen_recipe(options: argparse.Namespace) -> DetectorRecipe | RegionsRecipe:
    """The recipe with what the command line changes."""
    recipe = RegionsRecipe() if options.network == "regions" else DetectorRecipe()
    if isinstance(recipe, DetectorRecipe):
        network = replace(recipe.network, fusion=not options.without_fusion)
        recipe = replace(recipe, network=network, hard_samples=not options.without_hard_samples)
        if options.side is not None:
            recipe = replace(recipe, side=options.side)
    for name in ("training_count", "batch", "seed", "device", "steps", "phantoms", "threads"):
        if getattr(options, name) is not None:
            recipe = replace(recipe, **{name: getattr(options, name)})
    return recipe


def _parser() -> argparse.ArgumentParser:
    program = "python -m training microbleed_detection"
    parser = argparse.ArgumentParser(prog=program, description=main.__doc__)
    parser.add_argument("network", choices=["detector", "regions"])
    parser.add_argument("--minutes", type=float, help="train for this long, not for all steps")
    parser.add_argument("--out", type=Path, help="folder [runs/microbleed_detection/NETWORK]")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--report", action="store_true", help="score the best weights instead")
    parser.add_argument("--without-fusion", action="store_true", help="detector without FFM")
    parser.add_argument("--without-hard-samples", action="store_true", help="and without HSPL")
    parser.add_argument("--side", type=int, help="side of the detector's crops in voxels")
    parser.add_argument("--training-count", type=int, help="phantoms to train on")
    parser.add_argument("--batch", type=int, help="inputs per step")
    parser.add_argument("--seed", type=int, help="of the weights and the order of the inputs")
    parser.add_argument("--steps", type=int, help="optimiser steps")
    parser.add_argument("--phantoms", help="folder that keeps the phantoms for several trainings")
    parser.add_argument("--threads", type=int, help="threads that a layer is computed with")
    parser.add_argument("--device", help="cpu or cuda")
    return parser
