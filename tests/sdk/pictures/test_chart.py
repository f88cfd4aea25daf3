import subprocess
import sys

import pytest

from sdk.errors import AngioEdgeError
from sdk.pictures.chart import new_figure


def test_without_matplotlib_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(AngioEdgeError, match=r"pip install 'angioedge\[pictures\]'"):
        new_figure(1, 1)


def test_what_draws_no_charts_needs_no_matplotlib():
    code = (
        "import sys; sys.modules['matplotlib'] = None; "
        "import sdk.pictures.overview, sdk.pictures.microbleed_sheet, sdk.pictures.contact_sheet"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
