"""Recorded clips through the pipeline of a live run: labels, segments, accuracy, a report, exports."""

from edge.replay.options import ReplayOptions
from edge.replay.run import replay

__all__ = ["ReplayOptions", "replay"]
