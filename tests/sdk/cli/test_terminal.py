"""Names with square brackets are shown as they are."""

import io
import os
import re
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

import sdk.cli
from sdk.cli.terminal import marked, terminal, without_chatter

NAMES = ["pip install 'angioedge[openvino]'", "net[v2].onnx", "in[/x]", "[bold]"]


@pytest.fixture
def shown(monkeypatch):
    """What a terminal without colours would show of something."""

    def show(what):
        console = terminal()
        monkeypatch.setattr(console, "file", io.StringIO())
        console.print(what)
        return console.file.getvalue()

    return show


@pytest.mark.parametrize("name", NAMES)
def test_square_brackets_stay(shown, name):
    assert name in shown(name)
    table = Table("what", title=name, caption=name)
    table.add_row(name)
    assert shown(table).count(name) == 3


def test_what_is_marked_is_text(shown):
    assert shown(marked("[ok]", "green")) == "[ok]\n"


def test_every_command_prints_by_it():
    sources = Path(sdk.cli.__file__).parent.glob("*.py")
    found = [path.name for path in sources if re.search(r"\bConsole\(", path.read_text())]
    assert found == ["terminal.py"]
    assert Console().render_str("[bold]x").plain == "x", "the library takes markup by default"


def test_native_code_can_be_kept_from_chattering(capfd):
    with without_chatter():
        os.write(2, b"tag 0x30385056 is not supported\n")
    os.write(2, b"an error\n")
    assert capfd.readouterr().err == "an error\n"


def test_an_error_meanwhile_is_none_of_the_chatter(capfd):
    with pytest.raises(OSError, match="disk"), without_chatter():
        raise OSError("the disk is gone")
    os.write(2, b"heard again\n")
    assert capfd.readouterr().err == "heard again\n"
