"""The rules as the tables of docs/lint.md."""

from collections.abc import Iterator

from calibration.lint.rule import Rule, Severity
from calibration.lint.rules import RULES
from calibration.lint.targets import TARGETS

HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.NOTE: "Notes"}

RUNTIMES = {"tensorrt": "TensorRT", "onnxruntime": "ONNX Runtime"}


def rules_in_markdown() -> str:
    """Targets and rules, one table for each severity, as docs/lint.md prints them."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from ("### Targets", "", "| target | stands for |", "|---|---|")
    yield from (f"| `{target.name}` | {target.stands_for} |" for target in TARGETS.values())
    for severity, heading in HEADINGS.items():
        yield from ("", f"### {heading}", "")
        yield from ("| rule | targets | reason | what to do | source |", "|---|---|---|---|---|")
        yield from (_row(rule) for rule in RULES if rule.severity is severity)


def _row(rule: Rule) -> str:
    cells = (f"`{rule.name}`", _targets(rule), rule.reason, rule.remedy, rule.source)
    return f"| {' | '.join(cells)} |"


def _targets(rule: Rule) -> str:
    """Names of the targets that ask for it, a runtime's name where all of its targets do."""
    words = []
    for runtime, name in RUNTIMES.items():
        targets = [target for target in TARGETS.values() if target.runtime == runtime]
        asking = [target.name for target in targets if rule.applies(target)]
        words += [name] if len(asking) == len(targets) else asking
    return "all" if words == list(RUNTIMES.values()) else ", ".join(words)
