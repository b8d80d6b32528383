"""What can go wrong in calibration."""

from __future__ import annotations

from edge.errors import EgoactError

MEASURE_AGAIN = "measure the ranges again with `egoact calibrate BUNDLE --clips DIR`"


class CalibrationError(EgoactError):
    """Calibration cannot go on: too few clips, a graph or a scales file that does not fit."""
