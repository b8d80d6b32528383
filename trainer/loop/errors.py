"""What can go wrong with a training run."""

from __future__ import annotations

from edge.errors import EgoactError


class RunError(EgoactError):
    """A run cannot go on: its folder is another run's or cannot be written, or its loss is no number."""
