"""Text in the project speaks of the project alone, and the README keeps its promises."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|tmp|Users)/\w")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
MOST_README_LINES = 150
MOST_TREE_MIB = 56


def test_no_machine_paths():
    listing = subprocess.check_output(["git", "ls-files"], cwd=ROOT).decode().splitlines()  # noqa: S607
    found = []
    for name in listing:
        file = ROOT / name
        if file.suffix in {".py", ".md", ".toml", ".txt", ".h", ".cpp", ".cu", ".cmake", ".json"}:
            text = file.read_text(encoding="utf-8")
            found += [f"{name}: {match.group()}" for match in MACHINE_PATH.finditer(text)]
    assert not found


def test_the_tree_stays_small():
    listing = subprocess.check_output(["git", "ls-files"], cwd=ROOT).decode().splitlines()  # noqa: S607
    size = sum((ROOT / name).stat().st_size for name in listing if (ROOT / name).is_file())
    assert size < MOST_TREE_MIB * 2**20


def test_readme_is_short_and_names_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_README_LINES
    assert "make demo" in text
    assert "make test" in text


def test_links_in_documents_lead_somewhere():
    broken = []
    for file in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("models/*/*.md")):
        targets = LINK.findall(file.read_text(encoding="utf-8"))
        missing = [target for target in targets if not (file.parent / target).exists()]
        broken += [f"{file.relative_to(ROOT)} -> {target}" for target in missing]
    assert not broken
