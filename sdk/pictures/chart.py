"""Where charts come from: matplotlib's figures, without its global state."""

from sdk.errors import AngioEdgeError

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise AngioEdgeError(
        "drawing charts needs matplotlib: pip install 'angioedge[pictures]'"
    ) from error

__all__ = ["Figure"]
