"""``angioedge lint``: reads a graph, asks the rules, prints what they found."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from calibration.graph import read_graph
from calibration.lint.document import rules_in_markdown
from calibration.lint.rule import Finding, Place, Severity
from calibration.lint.rules import lint
from calibration.lint.targets import TARGETS, Target

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
SHOWN_PLACES = 5


class PrintRules(argparse.Action):
    """``--rules``: prints every rule and stops, as ``--version`` would."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Prints and exits with 0."""
        print(rules_in_markdown(), end="")  # noqa: T201
        parser.exit()


def lint_command(arguments: list[str]) -> int:
    """Lints one graph for one target.

    Returns 1 if there are errors, 0 if there are none; a wrong call exits with 2.

    Raises:
        GraphError: the file cannot be read as an ONNX graph.
    """
    call = _parser().parse_args(arguments)
    target = TARGETS[call.target]
    findings = lint(read_graph(call.graph), target)
    if call.as_json:
        print(json.dumps(_as_json(call.graph, target, findings), indent=1))  # noqa: T201
    else:
        _show(call.graph, target, findings)
    return int(any(finding.rule.severity is Severity.ERROR for finding in findings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="angioedge lint",
        description="Say what a target would refuse or run slowly in an ONNX graph. Exit code 1 if "
        "there are errors.",
    )
    parser.add_argument("graph", type=Path, metavar="GRAPH", help="an ONNX file")
    parser.add_argument("--target", choices=TARGETS, required=True, help="where it shall run")
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print JSON instead of a table"
    )
    parser.add_argument(
        "--rules", action=PrintRules, nargs=0, help="print every rule as Markdown and exit"
    )
    return parser


def _as_json(graph: Path, target: Target, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "graph": str(graph),
        "target": target.name,
        "findings": [
            {
                "rule": finding.rule.name,
                "severity": finding.rule.severity.value,
                "places": [place._asdict() for place in finding.places],
                "reason": finding.rule.reason,
                "remedy": finding.rule.remedy,
                "source": finding.rule.source,
            }
            for finding in findings
        ],
    }


def _show(graph: Path, target: Target, findings: Sequence[Finding]) -> None:
    console = Console()
    console.print(Text(f"{graph} for {target.stands_for}"))
    if findings:
        table = Table("", show_lines=True)
        for title in ("rule", "where", "why, and what to do"):
            table.add_column(title, overflow="fold")
        for finding in findings:
            severity = finding.rule.severity
            table.add_row(
                Text(severity.value, STYLES[severity]),
                finding.rule.name,
                Text(_listed(finding.places)),
                Text(f"{finding.rule.reason} {finding.rule.remedy} [{finding.rule.source}]"),
            )
        console.print(table)
    console.print(Text(_counted(findings)))


def _listed(places: Sequence[Place]) -> str:
    lines = [f"{place.where}: {place.what}" for place in places[:SHOWN_PLACES]]
    if len(places) > SHOWN_PLACES:
        lines.append(f"and {len(places) - SHOWN_PLACES} more (--json lists all)")
    return "\n".join(lines)


def _counted(findings: Sequence[Finding]) -> str:
    counts = [sum(finding.rule.severity is severity for finding in findings) for severity in STYLES]
    words = [
        f"{count} {severity.value}{'' if count == 1 else 's'}"
        for severity, count in zip(STYLES, counts, strict=True)
    ]
    return ", ".join(words)
