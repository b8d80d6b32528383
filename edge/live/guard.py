"""Keeps one sensor's process running: starts it, listens to it, kills it when it hangs, and starts another one."""

from __future__ import annotations

from edge.contract import NS_PER_S, SensorAway
from edge.errors import SourceError
from edge.live.announce import announce
from edge.live.child import Child
from edge.live.memory import SharedRings
from edge.live.messages import SensorRefused, SensorReport, SensorSetup
from edge.live.plan import SensorPlan
from edge.live.watch import SensorWatch

START_PATIENCE_S = 2.0
"""A sound server that wakes up, a camera that was just plugged in: the first try may fail."""


class SensorGuard:
    """One thread calls `look` many times a second."""

    def __init__(self, plan: SensorPlan, origin_ns: int, rings: SharedRings, announcements_fd: int) -> None:
        self.plan = plan
        self.watch = SensorWatch(plan.modality, plan.asked)
        self.child: Child | None = None
        self._missing_since_ns: int | None = None
        self._setup = SensorSetup(plan.modality, plan.factory, plan.arguments, origin_ns, rings, announcements_fd)

    def look(self, now_ns: int) -> None:
        """Do what the watchdog says at monotonic time `now_ns`.

        Raises:
            SourceError: the sensor is required and was not there at the start, or is refused for good.
        """
        if self.child is None:
            if self.watch.status.state != "off" and self.watch.may_start(now_ns):
                self._start(now_ns)
            return
        gone = self.child.gone  # asked before its last words are taken
        for message in self.child.messages():
            if isinstance(message, SensorReport):
                self.watch.heard(message, now_ns)
            elif isinstance(message, SensorRefused):
                self._refused(message.reason, now_ns)
        verdict = "fine" if gone else self.watch.verdict(now_ns, ready_to_run=self.child.ready_to_run)
        if gone or verdict != "fine":
            # Its process cannot say any more that nothing comes.
            announce(self._setup.announcements_fd, SensorAway(self.plan.modality))
        if verdict == "kill":
            self.child.kill()
            self._buried("it hung and was killed", now_ns)
        elif gone:
            self._buried(f"its process {self.child.obituary()}", now_ns)
        self._insist(now_ns)

    def _insist(self, now_ns: int) -> None:
        """A required device has a moment to appear at the start; one that ran may come and go."""
        if not self.plan.required or self.watch.seen_running or self.watch.status.state != "lost":
            return
        self._missing_since_ns = self._missing_since_ns or now_ns
        if now_ns - self._missing_since_ns > START_PATIENCE_S * NS_PER_S:
            raise SourceError(self.watch.status.reason)

    def _start(self, now_ns: int) -> None:
        rings = self._setup.rings
        descriptors = (rings.video_fd, rings.audio_fd, self._setup.announcements_fd)
        self.child = Child(self.watch.name, "edge.live.sensor_process", self._setup, descriptors)
        self.watch.started(now_ns)

    def _refused(self, reason: str, now_ns: int) -> None:
        """A device that ran before may have been swapped for another one: it is tried again like a lost one."""
        if self.plan.required and not self.watch.seen_running:
            raise SourceError(reason)
        if not self.watch.seen_running:
            self.watch.off(reason, now_ns)

    def _buried(self, why: str, now_ns: int) -> None:
        assert self.child is not None
        self.child.close()
        self.child = None
        if self.watch.status.state != "off":
            self.watch.died(why, now_ns)
