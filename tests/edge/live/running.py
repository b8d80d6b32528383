"""A live run with synthetic sensors, and waiting for what it shall come to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.bundle import Bundle
from edge.contract import Modality, Snapshot
from edge.live.plan import LivePlan, SensorPlan
from edge.live.supervisor import Supervisor
from edge.sensor_status import SensorStatus

PATIENCE_S = 20.0


def sensor_plans(bundle: Bundle, control: Path, *, required: bool = True, **options: float) -> tuple[SensorPlan, ...]:
    """Camera and microphone; `options` are the camera's."""
    spec, module = bundle.window, "tests.edge.live.synthetic"
    camera = (spec, control, options.get("period_s", 4.0), options.get("delay_s", 0.0))
    return (
        SensorPlan("video", "camera", f"{module}:SyntheticCamera", camera),
        SensorPlan("audio", "microphone", f"{module}:SyntheticMicrophone", (spec, control), required=required),
    )


@dataclass
class Live:
    """A run that goes on."""

    supervisor: Supervisor
    control: Path

    def until(self, what: Callable[[Snapshot], object], patience_s: float = PATIENCE_S) -> Snapshot:
        """The first snapshot for which `what` holds; fails when none came in time."""
        deadline_s = time.monotonic() + patience_s
        while time.monotonic() < deadline_s:
            snapshot = self.supervisor.latest()
            if what(snapshot):
                return snapshot
            assert self.supervisor.alive, f"the run ended: {self.supervisor.error}"
            time.sleep(0.02)
        raise AssertionError(f"not in {patience_s} s; last: {snapshot}")

    def shortest_wait_ms(self, count: int = 4) -> float:
        """Of the next labels: from the end of their row to the beginning of its computation."""
        waits: dict[int, float] = {}

        def enough(snapshot: Snapshot) -> bool:
            if snapshot.prediction is not None:
                waits[snapshot.prediction.row_index] = snapshot.prediction.stage_ms["wait"]
            return len(waits) > count

        self.until(enough)
        return min(list(waits.values())[1:])

    def fault(self, name: str) -> None:
        (self.control / name).touch()

    def mend(self, name: str) -> None:
        (self.control / name).unlink()


@contextmanager
def live(plan: LivePlan, control: Path) -> Iterator[Live]:
    supervisor = Supervisor(plan)
    supervisor.start()
    try:
        yield Live(supervisor, control)
    finally:
        supervisor.stop()
        assert supervisor.wait(30)
    if supervisor.result is not None:
        # Whatever happened, every captured frame was used or is counted as dropped.
        frames = supervisor.result.telemetry
        assert frames.captured_frames == frames.used_frames + frames.dropped_frames


def sensor(snapshot: Snapshot, modality: Modality) -> SensorStatus:
    return next(s for s in snapshot.sensors if s.modality == modality)


def rows(snapshot: Snapshot) -> int:
    return snapshot.telemetry.rows


def sees(snapshot: Snapshot) -> bool:
    return snapshot.prediction is not None and snapshot.prediction.video_coverage >= 0.45


def hears(snapshot: Snapshot) -> bool:
    return snapshot.prediction is not None and snapshot.prediction.audio_coverage >= 0.45
