"""Rules, their tests and their document keep step."""

import re
from pathlib import Path

import pytest

from calibration.lint import RULES, TARGETS
from calibration.lint.command import lint_command
from calibration.lint.document import rules_in_markdown

ROOT = Path(__file__).resolve().parents[3]
TESTS = Path(__file__).parent / "rules"


def test_the_document_holds_the_rules_as_they_are(capsys):
    with pytest.raises(SystemExit) as stop:
        lint_command(["--rules"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert printed == rules_in_markdown()
    assert printed in (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")


def test_every_rule_is_tested_under_its_name():
    tests = "".join(file.read_text(encoding="utf-8") for file in TESTS.glob("test_*.py"))
    untested = [rule.name for rule in RULES if f'"{rule.name}"' not in tests]
    assert not untested


def test_rules_have_names_of_their_own():
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_]+(-[a-z0-9_]+)+", name) for name in names)


def test_every_rule_is_asked_for_by_a_target():
    assert all(any(rule.applies(target) for target in TARGETS.values()) for rule in RULES)


def test_a_rule_fits_into_a_table():
    for rule in RULES:
        assert not [text for text in (rule.reason, rule.remedy, rule.source) if "|" in text]


def test_no_rule_compares_versions():
    for file in (ROOT / "calibration" / "lint" / "rules").glob("*.py"):
        assert "target.name" not in file.read_text(encoding="utf-8"), file
