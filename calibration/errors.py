"""What calibration refuses."""

from sdk.errors import AngioEdgeError


class CalibrationError(AngioEdgeError):
    """This network cannot be quantised, or not with these frames."""
