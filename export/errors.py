"""What may go wrong when a bundle is made."""

from __future__ import annotations

from edge.errors import EgoactError


class ExportError(EgoactError):
    """Parts do not fit each other, a graph does not compute what its network computes, or the disk refuses."""
