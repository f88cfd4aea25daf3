"""Command line: `python -m training angiogram_quality`."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.recipes.angiogram_quality import AngiogramQualityRecipe, train


def main(arguments: list[str] | None = None) -> None:
    """Train one network by its recipe."""
    parser = argparse.ArgumentParser(prog="python -m training", description=main.__doc__)
    parser.add_argument("recipe", choices=["angiogram_quality"])
    parser.add_argument("--minutes", type=float, help="train for this long, not for all steps")
    parser.add_argument("--out", type=Path, default=Path("runs/angiogram_quality"))
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    options = parser.parse_args(arguments)
    train(AngiogramQualityRecipe(), options.out, minutes=options.minutes, resume=options.resume)


if __name__ == "__main__":
    main()
