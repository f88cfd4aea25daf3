"""House rule 14: everything stays small."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 300
MOST_SAMPLE_LINES = 80
MOST_FUNCTION_LINES = 40
MOST_PARAMETERS = 5


def tracked(*suffixes: str) -> list[Path]:
    listing = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT)  # noqa: S607
    files = (ROOT / name for name in listing.decode().splitlines())
    return [file for file in files if file.suffix in suffixes and file.exists()]


def functions(file: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("command" in ast.unparse(decorator) for decorator in function.decorator_list)


@pytest.mark.parametrize("suffix", [".py", ".cpp", ".h", ".cu"])
def test_files_are_short(suffix):
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in tracked(suffix)}
    assert not {str(file): count for file, count in lines.items() if count > MOST_LINES}


def test_samples_are_shorter():
    samples = [file for file in tracked(".py") if file.parent.name == "samples"]
    assert samples
    for file in samples:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= MOST_SAMPLE_LINES, file


def test_functions_are_short():
    long = {
        f"{file.relative_to(ROOT)}:{function.name}": function.end_lineno - function.lineno + 1
        for file in tracked(".py")
        for function in functions(file)
        if not is_command(function)
    }
    assert not {name: lines for name, lines in long.items() if lines > MOST_FUNCTION_LINES}


def test_functions_take_few_parameters():
    """Not counted: self, and the options of a command, one parameter each."""
    many = {}
    for file in tracked(".py"):
        if "tests" in file.parts:
            continue
        for function in functions(file):
            names = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
            count = len([name for name in names if name not in {"self", "cls"}])
            count += len(function.args.kwonlyargs)
            if count > MOST_PARAMETERS and not is_command(function):
                many[f"{file.relative_to(ROOT)}:{function.name}"] = count
    assert not many
