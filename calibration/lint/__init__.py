"""Says what a target would refuse or run slowly in an ONNX graph, quantised or not."""

from calibration.graph import Graph, GraphError, read_graph
from calibration.lint.rule import Finding, Place, Rule, Severity
from calibration.lint.rules import RULES, lint
from calibration.lint.targets import TARGETS, Target

__all__ = [
    "RULES",
    "TARGETS",
    "Finding",
    "Graph",
    "GraphError",
    "Place",
    "Rule",
    "Severity",
    "Target",
    "lint",
    "read_graph",
]
