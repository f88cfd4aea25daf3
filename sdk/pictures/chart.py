"""Where charts come from: matplotlib's figures, without its global state."""

from typing import Any

from sdk.errors import AngioEdgeError


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib figure of so many inches, which lays its parts out by itself.

    Raises:
        AngioEdgeError: matplotlib is not installed; what draws no charts needs none.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise AngioEdgeError(
            "drawing charts needs matplotlib: pip install 'angioedge[pictures]'"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")
