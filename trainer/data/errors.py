"""What is wrong with a data set."""

from __future__ import annotations

from edge.errors import EgoactError


class DatasetError(EgoactError):
    """Clips, features or a split cannot be used; one line with what mends it."""
