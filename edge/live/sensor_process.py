"""The process of one camera or microphone: drains it into the shared ring, announces that, and does nothing else.

A device that went away is opened again and again. A device that hangs in a read takes the process with it: the main
process kills it and starts another one, which goes on in the same ring.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Sequence

from edge.age_histogram import AgeHistogram
from edge.clock import Clock
from edge.contract import NS_PER_S, AudioBlock, Frame, FramesStored, SensorAway, SoundStored
from edge.errors import DeviceLostError, SourceError
from edge.live.announce import announce
from edge.live.lifeline import listen, signal_at_parents_death
from edge.live.link import Link, LinkClosed
from edge.live.messages import SensorRefused, SensorReport, SensorSetup
from edge.sensor_status import SensorState
from edge.sources.sensor import Sensor, SensorFacts
from edge.text import printable

READ_TIMEOUT_S = 0.1
REPORT_S = 0.1
RETRY_S = 0.25
STALL_S = 0.8
"""An open device that gives nothing for this long has stalled ..."""
REOPEN_S = 2.0
"""... and after this long it is closed and opened again."""


class SensorProcess:
    """Opens, reads, stores, reports, until it is told to stop."""

    def __init__(self, setup: SensorSetup, sensor: Sensor, link: Link, clock: Clock) -> None:
        self._setup = setup
        self._sensor = sensor
        self._link = link
        self._clock = clock
        self._video = setup.rings.video() if setup.modality == "video" else None
        self._audio = setup.rings.audio() if setup.modality == "audio" else None
        self._ages = AgeHistogram()
        self._opens = 0
        self._state: SensorState = "starting"
        self._reason = ""
        self._reported_ns = 0
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        """Until `stop`.

        Raises:
            SourceError: the device will never do what was asked.
        """
        try:
            while not self._stopping.is_set():
                try:
                    self._open()
                    self._drain()
                except DeviceLostError as error:
                    self._sensor.close()
                    self._away("lost", printable(str(error)))
                    self._stopping.wait(RETRY_S)
        finally:
            self._sensor.close()

    def _open(self) -> None:
        self._report(opening=True)
        self._sensor.open(self._setup.origin_ns)
        self._opens += 1

    def _drain(self) -> None:
        """Read and store until the device is lost."""
        heard_ns = self._clock.monotonic_ns()
        while not self._stopping.is_set():
            items = self._sensor.read(READ_TIMEOUT_S)
            now_ns = self._clock.monotonic_ns()
            if items:
                self._store(items)
                self._state, self._reason, heard_ns = "running", "", now_ns
            quiet_s = (now_ns - heard_ns) / NS_PER_S
            if quiet_s > REOPEN_S:
                raise DeviceLostError(f"it gave nothing for {quiet_s:.0f} s")
            if quiet_s > STALL_S and self._state != "stalled":
                self._away("stalled", "it is open but gives nothing")
            if now_ns - self._reported_ns >= REPORT_S * NS_PER_S:
                self._report()

    def _store(self, items: Sequence[Frame] | Sequence[AudioBlock]) -> None:
        for item in items:
            # After a restart a device may repeat what the process before this one has stored.
            if isinstance(item, Frame):
                if self._video is not None and item.tick >= self._video.next_tick:
                    self._video.put(item)
                newest_ns = item.t_ns
            else:
                if self._audio is not None:
                    self._audio.put(item)
                newest_ns = (item.start_sample + len(item.samples)) * NS_PER_S // self._setup.rings.spec.audio_rate_hz
        self._ages.add((self._clock.monotonic_ns() - self._setup.origin_ns - newest_ns) / 1e6)
        if self._video is not None:
            announce(self._setup.announcements_fd, FramesStored(self._video.next_tick, self._video.frames))
        elif self._audio is not None:
            announce(self._setup.announcements_fd, SoundStored(self._audio.next_sample))

    def _away(self, state: SensorState, reason: str) -> None:
        """Nobody needs to wait for this sensor."""
        self._state, self._reason = state, reason
        announce(self._setup.announcements_fd, SensorAway(self._setup.modality))
        self._report()

    def _report(self, opening: bool = False) -> None:
        self._reported_ns = self._clock.monotonic_ns()
        facts: SensorFacts | None = self._sensor.facts() if self._opens and not opening else None
        ages = self._ages.percentiles()
        self._link.send(SensorReport(self._state, self._reason, opening, self._opens, facts, ages))


def main() -> None:
    """Entry of the process; its link's descriptor is the second argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal_at_parents_death(signal.SIGKILL)
    link = Link.inherited(int(sys.argv[2]))
    try:
        setup: SensorSetup = link.receive(None)
    except LinkClosed:
        return
    module, _, function = setup.factory.partition(":")
    sensor: Sensor = getattr(importlib.import_module(module), function)(*setup.arguments)
    process = SensorProcess(setup, sensor, link, Clock())
    # A hung read keeps the main thread from ever looking at a message: nothing here needs a clean end.
    listen(link, on_message=lambda _: process.stop(), on_parent_gone=lambda: os._exit(0))
    try:
        process.run()
    except SourceError as error:
        announce(setup.announcements_fd, SensorAway(setup.modality))
        link.send(SensorRefused(printable(str(error))), wait_s=1.0)


if __name__ == "__main__":
    main()
