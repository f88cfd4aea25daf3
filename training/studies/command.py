"""Command line of the studies: `python -m training study NAME` and `python -m training results`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from training.studies import artery, microbleed, negatives, quality
from training.studies.drawing import draw
from training.studies.study import Result, Study, add_results, machine, read_results
from training.studies.table import table

STUDIES: dict[str, Study] = {
    study.name: study
    for module in (quality, artery, microbleed, negatives)
    for study in module.STUDIES
}
RESULTS = Path("docs/results")
"""Folder with the scores of every study."""
DOCUMENT = Path("docs/results.md")
"""The tables."""
PICTURES = DOCUMENT.parent / "pictures"
"""The charts."""
HEADING = """# What the trainings showed

Every number here is of phantoms, pictures computed by this project, and of trainings that are much
smaller than the published ones; it says in which direction things go, and nothing about patients.
`make results` writes this page and its charts from the scores in `docs/results`.

* DSC: Dice of the masks. clDice: Dice of their centre lines. VC: pieces of the mask per piece of
  the truth, 1 at best. FPavg: false positives per subject. FROC: sensitivity over false positives.
* Quality network: L-GSAM, local-global self-attention at the two coarsest scales; FAM, aggregation
  of features with gated skip connections; the gate weighs the grade by the vessels found.
* Scribbles: SALE, thick strokes on main trunks; RDFA, thin random lines on all branches. SSCR
  learns from them step by step: pCE, cross-entropy of the marked pixels alone; PS, pseudo labels of
  its own; CPS, those of a second network; CR, consistency of both networks' probabilities.
* RPST, self-training: the network labels sequences without masks and learns from mixed patches.
* Microbleeds: RPN, the region proposal network; FFM, feature fusion of three scales; HSPL,
  prototypes learned from hard samples; the filter drops what lies in no region of the brain.
"""


def study(arguments: list[str]) -> None:
    """Run trainings of a study that have no result yet, and print its table."""
    options = _parser().parse_args(arguments)
    chosen = STUDIES[options.study]
    names = [training.name for training in chosen.trainings]
    if options.only is not None and options.only not in names:
        sys.exit(f"expected one of {', '.join(names)} after --only, got {options.only}")
    path = RESULTS / f"{chosen.name}.json"
    for seed in options.seeds:
        for training in chosen.trainings:
            if options.only in (None, training.name):
                _run(chosen, training.name, seed, options)
    sys.stdout.write(table(chosen, read_results(path)))


def _run(chosen: Study, name: str, seed: int, options: argparse.Namespace) -> None:
    """One training, unless its results are there."""
    path = RESULTS / f"{chosen.name}.json"
    training = next(entry for entry in chosen.trainings if entry.name == name)
    there = {(entry.row, entry.seed) for entry in read_results(path)}
    if all((row, seed) in there for row in training.rows) and not options.again:
        return
    sys.stdout.write(f"{chosen.name}: {name}, seed {seed}\n")
    recipe = replace(
        training.recipe, seed=seed, threads=options.threads, phantoms=str(options.phantoms)
    )
    scores = chosen.run(recipe, options.out / chosen.name / f"{name}-{seed}")
    found = [
        Result(row=row, seed=seed, machine=machine(), scores=entry.scores, curves=entry.curves)
        for row, entry in zip(training.rows, scores, strict=True)
    ]
    add_results(path, found)


def results() -> None:
    """Print the tables of all studies and write them into the document, with the charts."""
    tables = []
    for one in STUDIES.values():
        found = read_results(RESULTS / f"{one.name}.json")
        tables.append(table(one, found))
        if one.chart and draw(one.chart, one.rows(), found, PICTURES / f"{one.name}.png"):
            tables.append(f"![{one.chart.title}](pictures/{one.name}.png)\n")
    text = "\n".join([HEADING, *tables])
    DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENT.write_text(text)
    sys.stdout.write(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training study", description=study.__doc__)
    parser.add_argument("study", choices=list(STUDIES))
    parser.add_argument("--only", metavar="TRAINING", help="one of its trainings, all by default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9], help="[7 8 9]")
    parser.add_argument("--again", action="store_true", help="also where there are results")
    parser.add_argument("--threads", type=int, default=2, help="of one training [2]")
    runs = Path("runs")
    parser.add_argument("--out", type=Path, default=runs / "studies", help="of the trainings")
    parser.add_argument("--phantoms", type=Path, default=runs / "phantoms", help="of all of them")
    return parser
