"""Every rule, by theme; a new theme is a file and a line here."""

from calibration.graph import Graph
from calibration.lint.rule import Finding, Rule, Severity
from calibration.lint.rules import (
    attention,
    dla,
    file_format,
    kernels,
    norms,
    onnxruntime,
    operator_limits,
    operators,
    placement,
    precision,
    qdq_form,
    residuals,
)
from calibration.lint.targets import Target

ORDER = tuple(Severity)
RULES: tuple[Rule, ...] = (
    *file_format.RULES,
    *operators.RULES,
    *operator_limits.RULES,
    *qdq_form.RULES,
    *placement.RULES,
    *residuals.RULES,
    *kernels.RULES,
    *attention.RULES,
    *norms.RULES,
    *precision.RULES,
    *onnxruntime.RULES,
    *dla.RULES,
)


def lint(graph: Graph, target: Target) -> list[Finding]:
    """What the target's rules find in the graph: errors first, then warnings, then notes.

    Raises:
        GraphError: values that a rule asks for cannot be read.
    """
    findings = []
    for rule in RULES:
        places = tuple(rule.find(graph, target)) if rule.applies(target) else ()
        if places:
            findings.append(Finding(rule=rule, places=places))
    return sorted(findings, key=lambda finding: ORDER.index(finding.rule.severity))
