"""A recorded clip as a source: at the pace of its own time, or as fast as it can be read."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from edge.clock import Clock
from edge.contract import NS_PER_S, Event, WindowSpec
from edge.errors import SourceError
from edge.preprocess import resize_crop
from edge.sources.audio_track import AudioTrack
from edge.sources.video_track import Convert, VideoTrack


class ReplaySource:
    """Replays a file. Video and sound are decoded separately (two readers of one file) and merged in time order.

    pace 'realtime' releases each event at `origin_ns` + its time (absolute targets, so it cannot drift; a late event
    is released at once); 'fast' releases at once. A frame counts at its tick time, sound at its last sample.
    """

    def __init__(
        self,
        path: str | Path,
        spec: WindowSpec,
        pace: Literal["fast", "realtime"] = "fast",
        clock: Clock | None = None,
        convert: Convert = resize_crop,
    ) -> None:
        self._path = Path(path)
        self._spec = spec
        self._convert = convert
        self._pace = pace
        self._clock = clock or Clock()
        self._stop = threading.Event()
        self._reading = threading.Lock()
        self._video: VideoTrack | None = None
        self._audio: AudioTrack | None = None
        self._merged: Iterator[tuple[int, Event]] = iter(())
        self._next: tuple[int, Event] | None = None
        self.title = self._path.name
        self.clip = self._path.name
        self.origin_ns = 0

    def open(self) -> None:
        """Open the file and decode its first frame, so that `origin_ns` is the moment it can be shown.

        Raises SourceError when there is no such file or no video in it that decodes.
        """
        self._video = VideoTrack(self._path, self._spec, self._convert)
        try:
            self._audio = AudioTrack(self._path, self._spec, self._video.start_ns)
        except SourceError:
            self._video.close()
            raise
        self._merged = heapq.merge(self._audio.events(), self._video.events(), key=lambda timed: timed[0])
        self._next = next(self._merged, None)
        self.origin_ns = self._clock.monotonic_ns()

    def read(self, timeout_s: float) -> Event | None:
        """The next event; None when it is not due within `timeout_s`, after both ends, or once closed."""
        with self._reading:
            if self._stop.is_set():
                return None
            if self._video is None:
                raise SourceError(f"{self._path}: the clip is not open")
            if self._next is None:
                self._next = next(self._merged, None)
            if self._next is None:
                return None
            due_ns, event = self._next
            if self._pace == "realtime" and not self._wait_ns(self.origin_ns + due_ns, timeout_s):
                return None
            self._next = None
            return event

    def hurry(self) -> None:
        """From now on every event is due at once; may be called from any thread."""
        self._pace = "fast"

    @property
    def duration_ns(self) -> int | None:
        """What the file promises; None before `open`, and where it promises nothing."""
        return None if self._video is None else self._video.declared_ns

    def _wait_ns(self, t_ns: int, timeout_s: float) -> bool:
        """Wait for monotonic time `t_ns` for at most `timeout_s`; False when it did not come or `close` was called."""
        limit_ns = self._clock.monotonic_ns() + round(timeout_s * NS_PER_S)
        return self._clock.wait_until_ns(min(t_ns, limit_ns), self._stop) and t_ns <= limit_ns

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know so far: no or silent sound, damage, a broken tail."""
        if self._video is None or self._audio is None:
            return ()
        return (*self._audio.notes(), *self._video.notes())

    def close(self) -> None:
        """Release the file; interrupts a waiting `read`; may be called more than once and from any thread."""
        self._stop.set()
        with self._reading:
            if self._video is not None:
                self._video.close()
            if self._audio is not None:
                self._audio.close()
