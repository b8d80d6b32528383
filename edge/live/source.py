"""The live source: tells what the sensor processes announced; frames and sound lie in the shared rings already."""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterable

from edge.clock import Clock
from edge.contract import NS_PER_S, AudioEnd, Event, FramesStored, Modality, SensorAway, SoundStored, VideoEnd
from edge.live.announce import Announcement, read_announcements
from edge.live.lateness import Lateness
from edge.rings import Rings

NEVER: dict[Modality, Event] = {"video": VideoEnd(0), "audio": AudioEnd("no microphone")}


class LiveSource:
    """A `Source` whose events are announcements; `grace_ns` says how long after its end a row may be complete."""

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        announcements_fd: int,
        rings: Rings,
        *,
        title: str,
        origin_ns: int,
        absent: Iterable[Modality] = (),
        clock: Clock | None = None,
    ) -> None:
        self._fd = announcements_fd
        self._rings = rings
        self._clock = clock or Clock()
        self._pending: deque[Event] = deque(NEVER[modality] for modality in absent)
        self._lateness = {"video": Lateness(), "audio": Lateness()}
        self._spec = rings.spec
        self._closed = False
        self.title = title
        self.clip = title
        self.origin_ns = origin_ns

    def open(self) -> None:
        """Take everything announced so far: the run starts with the newest, not with what waited in the pipe."""
        while announcements := read_announcements(self._fd):
            for announcement in announcements:
                self._rings.store(announcement)

    def read(self, timeout_s: float) -> Event | None:
        """The next announcement; None when there was none within `timeout_s` or once closed."""
        if not self._pending and not self._closed and select.select([self._fd], [], [], timeout_s)[0]:
            announcements = read_announcements(self._fd)
            now_ns = self._clock.monotonic_ns() - self.origin_ns
            for announcement in announcements:
                self._measure(announcement, now_ns)
            self._pending.extend(announcements)
        return self._pending.popleft() if self._pending and not self._closed else None

    def grace_ns(self) -> int:
        """How long after its end a row waits for the later of the two sensors."""
        here = [self._lateness[m] for m in ("video", "audio") if m not in self._rings.away]
        return max((lateness.grace_ns for lateness in here), default=0)

    def close(self) -> None:
        self._closed = True

    def _measure(self, announcement: Announcement, now_ns: int) -> None:
        """How late was what came now: it was complete only up to the announcement before."""
        if isinstance(announcement, FramesStored):
            self._lateness["video"].reached(self._spec.tick_ns(announcement.next_tick), now_ns)
        elif isinstance(announcement, SoundStored):
            reached_ns = announcement.next_sample * NS_PER_S // self._spec.audio_rate_hz
            self._lateness["audio"].reached(reached_ns, now_ns)
        elif isinstance(announcement, SensorAway):
            self._lateness[announcement.modality].away()
