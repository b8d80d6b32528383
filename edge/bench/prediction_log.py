"""A sink that keeps every prediction, and ends the run when the stream is long enough."""

from __future__ import annotations

from collections.abc import Callable

from edge.contract import NS_PER_S, Prediction, Segment
from edge.telemetry import resident_memory_mb


class PredictionLog:
    """Keeps what a run of a bounded length says, and the process's memory at each label."""

    def __init__(self, stream_s: float) -> None:
        self.predictions: list[Prediction] = []
        self.memory_mb: list[float] = []
        self.stop: Callable[[], None] = lambda: None
        """Set by whoever owns the run."""
        self._limit_ns = int(stream_s * NS_PER_S)

    def prediction(self, prediction: Prediction, labels: tuple[str, ...]) -> None:
        self.predictions.append(prediction)
        self.memory_mb.append(resident_memory_mb())
        if prediction.emitted_ns >= self._limit_ns:
            self.stop()

    def segment(self, segment: Segment) -> None:
        """Segments are not timed."""

    def event(self, t_ns: int, text: str) -> None:
        """Nor are events."""
